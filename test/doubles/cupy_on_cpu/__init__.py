"""Run the *installed* CuPy on the host CPU (import this before cupy).  Tests only.

CuPy's Cython modules fetch each other's C functions from ``module.__pyx_capi__`` when they are imported.  We swap the
entries of the runtime and driver wrappers for host functions (rt.c), preload stand-ins for cuBLAS/cuSOLVER/cuRAND
(libs.c), and send every kernel that CuPy generates through the host C++ compiler (cuda_host.h) instead of NVRTC.
"""
import ctypes, glob, hashlib, json, os, re, subprocess, sys, sysconfig, tempfile, time
import numpy as np

if 'cupy' in sys.modules:
    raise ImportError('import cupy_on_cpu before cupy')
os.environ['CUPY_ACCELERATORS'] = ''                       # CUB reductions are pre-compiled device code
HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.environ.get('CUPY_ON_CPU_CACHE') or os.path.join(tempfile.gettempdir(), 'cupy_on_cpu_cache')
CXX, CC = os.environ.get('EMU_CXX', 'g++'), os.environ.get('EMU_CC', 'gcc')
FLAGS = os.environ.get('CUPY_ON_CPU_CXXFLAGS', '-O1 -w -U_FORTIFY_SOURCE -fpermissive -fno-strict-aliasing -ffp-contract=off').split()
ARCHS = [a for a in os.environ.get('CUPY_ON_CPU_NVRTC', '').split(',') if a]       # also compile with the real NVRTC, e.g. 80,90
os.makedirs(CACHE, exist_ok=True)
compile_log, nvrtc_log = [], []

def _read(name):
    with open(os.path.join(HERE, name)) as f: return f.read()
def _key(*parts): return hashlib.sha1('\0'.join(map(str, parts)).encode()).hexdigest()[:20]
def _run(cmd):
    r = subprocess.run(cmd, capture_output=True, text=True)
    if r.returncode: raise RuntimeError(' '.join(cmd) + '\n' + r.stderr)
def _build(out, cmd):                                       # atomic, so that parallel test processes may share the cache
    if not os.path.exists(out):
        tmp = f'{out}.{os.getpid()}'; _run(cmd + ['-o', tmp]); os.replace(tmp, out)
    return out

# ---- 1. the runtime / driver wrappers ------------------------------------------------------------------------------
lib = ctypes.PyDLL(_build(os.path.join(CACHE, f'rt-{_key(_read("rt.c"), sys.version)}.so'),
                          [CC, '-O2', '-w', '-shared', '-fPIC', '-I' + sysconfig.get_path('include'), os.path.join(HERE, 'rt.c'), '-ldl']))
import cupy_backends                                        # noqa: E402  (does not import cupy)
_SP = os.path.dirname(os.path.dirname(cupy_backends.__file__))

def _fake_libraries():
    os.environ['EMU_OPENBLAS'] = glob.glob(os.path.join(os.path.dirname(os.path.dirname(np.__file__)), 'numpy.libs', 'libscipy_openblas64_*'))[0]
    need = {}                                               # soname -> symbols that CuPy's extension modules import from it
    for pat in ('cupy_backends/cuda/libs/*.so', 'cupyx/*.so', 'cupy/cuda/*.so'):
        for f in glob.glob(os.path.join(_SP, pat)):
            for m in re.finditer(r' U (cu\w+)@+(\S+)', subprocess.run(['nm', '-D', f], capture_output=True, text=True).stdout):
                need.setdefault(m.group(2), set()).add(m.group(1))
    for extra in ('libcublasLt.so.13', 'libnvJitLink.so.13'): need.setdefault(extra, set())
    keep = []
    for so in sorted(need, key=lambda s: ('Lt' not in s and 'JitLink' not in s, s)):
        stem = so.split('.so')[0]
        if stem.startswith('libcutensor') or stem == 'libnvrtc': continue
        macro, k = '-DLIB_' + stem[3:].upper(), _key(so, sorted(need[so]), _read('libs.c'))
        out = os.path.join(CACHE, f'{k}-{so}')
        if not os.path.exists(out):
            d = tempfile.mkdtemp(); impl = os.path.join(d, 'impl.o')
            _run([CC, '-O2', '-w', '-fPIC', macro, '-c', os.path.join(HERE, 'libs.c'), '-o', impl])
            have = set(re.findall(r' T (\w+)', subprocess.run(['nm', '--defined-only', impl], capture_output=True, text=True).stdout))
            stub = os.path.join(d, 'stub.c')
            with open(stub, 'w') as f:                      # everything else fails loudly
                f.write('#include <stdio.h>\n#include <stdlib.h>\n')
                for n in sorted(need[so] - have): f.write(f'int {n}(void) {{ fprintf(stderr, "cupy_on_cpu: {n} has no host stand-in\\n"); return 15; }}\n')
            with open(os.path.join(d, 'v.map'), 'w') as f: f.write(so + ' { global: *; };\n')
            _build(out, [CC, '-w', '-shared', '-fPIC', stub, impl, '-Wl,-soname,' + so, '-Wl,--version-script=' + os.path.join(d, 'v.map'), '-lm', '-ldl'])
        keep.append(ctypes.CDLL(out, ctypes.RTLD_GLOBAL))
    return keep
_libs = _fake_libraries()

import cupy_backends.cuda.api.driver as _dr                 # noqa: E402
import cupy_backends.cuda.api.runtime as _rt                # noqa: E402
def _api(name, res, *args):
    f = getattr(ctypes.pythonapi, name); f.restype, f.argtypes = res, args; return f
_capsule = _api('PyCapsule_New', ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_capname = _api('PyCapsule_GetName', ctypes.c_char_p, ctypes.py_object)
_SIGS = json.loads(_read('signatures.json'))                # C signatures that rt.c was written for
_alive = []
def _patch(mod, names):
    for n, sym in names.items():
        sig = _capname(mod.__pyx_capi__[n]); _alive.append(sig)
        if _SIGS[f'{mod.__name__}.{n}'] != sig.decode():
            raise ImportError(f'cupy_on_cpu was written for another CuPy: {n} is now {sig.decode()!r}')
        mod.__pyx_capi__[n] = _capsule(ctypes.cast(getattr(lib, sym), ctypes.c_void_p), sig, None)
_patch(_rt, {**{n: 'e_' + n for n in '''malloc mallocManaged mallocAsync free freeAsync hostAlloc freeHost memcpy memcpyAsync memset
  memsetAsync memGetInfo getDevice getDeviceCount setDevice driverGetVersion deviceGetAttribute getDeviceProperties deviceSynchronize
  streamSynchronize streamCreate streamCreateWithFlags streamCreateWithPriority streamDestroy streamQuery streamIsCapturing
  streamWaitEvent eventCreate eventCreateWithFlags eventDestroy eventRecord eventQuery eventSynchronize eventElapsedTime
  pointerGetMemoryType deviceCanAccessPeer'''.split()}, '_ensure_context': 'e_ensure_context'})
_patch(_dr, {**{n: 'e_' + n for n in '''moduleLoadData moduleUnload moduleGetFunction moduleGetGlobal launchKernel funcGetAttribute
  funcSetAttribute ctxGetCurrent'''.split()}, 'occupancyMaxActiveBlocksPerMultiprocessor': 'e_occ', 'occupancyMaxPotentialBlockSize': 'e_occMax'})
_props = dict(name=b'host emulation', warpSize=32, maxThreadsPerBlock=1024, multiProcessorCount=4, major=8, minor=0,
              sharedMemPerBlock=49152, totalGlobalMem=8 << 30, regsPerBlock=65536, maxThreadsDim=(1024, 1024, 64),
              maxGridSize=(2**31 - 1, 65535, 65535))
lib.emu_set_props.argtypes = lib.emu_set_oom.argtypes = [ctypes.py_object]
lib.emu_set_props(_props); lib.emu_set_oom(_rt.CUDARuntimeError)
_rt.getDeviceCount, _rt.getDevice, _rt.setDevice = (lambda: 1), (lambda: 0), (lambda d: None)
_rt.driverGetVersion, _rt.getDeviceProperties = (lambda: 13000), (lambda d: _props)
_rt.deviceGetAttribute = lambda a, d: {75: 8, 76: 0, 16: 4, 10: 32, 1: 1024, 8: 49152}.get(a, 0)

class _Stats(ctypes.Structure):
    _fields_ = [(n, ctypes.c_long) for n in 'h2d d2h d2d h2d_bytes d2h_bytes d2d_bytes launches sync mallocs frees live peak memsets'.split()]
    def asdict(self): return {n: getattr(self, n) for n, _ in self._fields_}
stats = _Stats.in_dll(lib, 'emu_stats')                     # live/peak count what the pool took from the "device"
device_bytes = ctypes.c_size_t.in_dll(lib, 'emu_total_mem')
corrupt = ctypes.c_long.in_dll(lib, 'emu_corrupt')          # blocks whose guard bytes were found overwritten
def reset():
    for n, _ in _Stats._fields_:
        if n not in ('live', 'peak'): setattr(stats, n, 0)
    stats.peak = stats.live

# ---- 2. kernels: host C++ instead of NVRTC ---------------------------------------------------------------------------
import cupy                                                 # noqa: E402
from cupy.cuda import compiler as _comp, function as _fn, thrust as _thr    # noqa: E402
_PRE = ''.join(f'#include <cupy/{h}>\n' for h in ('complex.cuh', 'carray.cuh', 'atomics.cuh', 'math_constants.h'))
_HOST = _read('cuda_host.h')
def _names(src):
    body = re.sub(r'//[^\n]*|/\*.*?\*/', ' ', src, flags=re.S)
    return list(dict.fromkeys(re.findall(r'__global__\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(', body)))
def host_compile(source, options, name_expressions=None):
    opts = [o for o in options if o.startswith(('-I', '-D', '-std', '--std'))]
    bar = 'true' if re.search(r'__syncthreads|__syncwarp|__shfl|_sync\(', source) else 'false'
    src = re.sub(r'extern\s+__shared__\s+(?:__align__\s*\(\s*\d+\s*\)\s*)?([\w\s:<>]+?)\s+(\w+)\s*\[\s*\]\s*;', r'\1 *\2 = (\1 *)emu_dynshared;', source)
    templ = set(re.findall(r'template\s*<[^>]*>\s*__global__\s+void\s+(\w+)', source))
    entry = 'extern "C" void __emu_{}(void **a, const unsigned *g, const unsigned *b, size_t s) {{ emu::launch<{}>(&{}, a, g, b, s); }}\n'
    tail = ''.join(entry.format(n, bar, n) for n in _names(source) if n not in templ)
    mapping = {ne: f'ne{i}' for i, ne in enumerate(name_expressions or ())}
    tail += ''.join(entry.format(v, bar, ne) for ne, v in mapping.items())
    inc = ['-I' + HERE] + opts; head = '#include "cuda_host.h"\n'
    if source.startswith(_PRE[:20]):                        # CuPy's own preamble: use a precompiled header
        d = os.path.join(CACHE, 'pch-' + _key(FLAGS, opts, _HOST)); h = os.path.join(d, 'pre.h'); os.makedirs(d, exist_ok=True)
        if not os.path.exists(h + '.gch'):
            with open(h, 'w') as f: f.write(head + _PRE)
            _build(h + '.gch', [CXX, '-x', 'c++-header', '-fPIC', *FLAGS, *inc, h])
        head, inc = '#include "pre.h"\n', ['-I' + d] + inc
    full = head + src + '\n' + tail; k = _key(full, FLAGS, opts, _HOST); so = os.path.join(CACHE, k + '.so')
    if not os.path.exists(so):
        cpp = os.path.join(CACHE, f'{k}.{os.getpid()}.cpp'); t = time.perf_counter()
        with open(cpp, 'w') as f: f.write(full)
        try: _build(so, [CXX, '-shared', '-fPIC', *FLAGS, *inc, cpp])
        except RuntimeError as e: raise _comp.CompileException(str(e)[:6000], source, cpp, tuple(options), 'host') from None
        compile_log.append((_names(source), time.perf_counter() - t))
    return so, mapping
def _compile_module(source, options=(), *, arch=None, extra_source=None, backend='nvrtc', enable_cooperative_groups=False,
                    name_expressions=None, log_stream=None, jitify=False, to_ltoir=False):
    if enable_cooperative_groups: raise NotImplementedError('cupy_on_cpu: cooperative launch')
    for a in ARCHS:                                         # the host compiler accepts more than CUDA does
        _comp._get_arch_for_options_for_nvrtc = lambda a=None: (f'-arch=sm_{a}', 'cubin')
        obj, _ = _comp._compile_using_nvrtc_no_warning(source, options + ('-ftz=true',), a, 'k.cu', name_expressions)
        nvrtc_log.append((a, _names(source), len(obj)))
    so, mapping = host_compile(source, options, name_expressions)
    m = _fn.Module(); m.load(so.encode()); m._set_mapping(mapping or None); return m
_comp._compile_module_with_cache = _compile_module

# ---- 3. device code that is compiled into the wheel: replace or refuse ------------------------------------------------
def _host(ptr, shape, dtype):
    dt = np.dtype(dtype); n = int(np.prod(shape)) * dt.itemsize
    return np.frombuffer((ctypes.c_char * n).from_address(ptr), dt).reshape(shape)
def _sort(dtype, data, keys, shape): _host(data, shape, dtype).sort(axis=-1, kind='stable')
def _argsort(dtype, idx, data, keys, shape): _host(idx, shape, np.intp)[...] = np.argsort(_host(data, shape, dtype), axis=-1, kind='stable')
def _lexsort(dtype, idx, keys, k, n): _host(idx, (n,), np.intp)[...] = np.lexsort(_host(keys, (k, n), dtype))
_thr.sort, _thr.argsort, _thr.lexsort = _sort, _argsort, _lexsort
def _refuse(what):
    def f(*a, **k): raise NotImplementedError(f'cupy_on_cpu: {what} runs device code that is compiled into the CuPy wheel')
    return f
cupy.random.default_rng = cupy.random.Generator = _refuse('cupy.random.Generator')
