"""Kernels: compiled for the host, and by NVIDIA's own compiler as well if asked to.

CuPy hands the source of every kernel, its own and the user's, to one function. The
replacement for it adds an entry point per kernel and calls the host compiler.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import NamedTuple

from cupy.cuda import compiler, function

from . import build

# CuPy puts these in front of the kernels it generates. They take longer to compile
# than a kernel does, so they are compiled once, to a precompiled header.
CUPY_HEADERS = ("complex.cuh", "carray.cuh", "atomics.cuh", "math_constants.h")
CUPY_PREAMBLE = "".join(f"#include <cupy/{name}>\n" for name in CUPY_HEADERS)

BARRIER = re.compile(r"__syncthreads|__syncwarp|__shfl|_sync\(")
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
DYNAMIC_SHARED = re.compile(
    r"extern\s+__shared__\s+(?:__align__\s*\(\s*\d+\s*\)\s*)?"
    r"(?P<type>[\w\s:<>]+?)\s+(?P<name>\w+)\s*\[\s*\]\s*;"
)
LAUNCH_BOUNDS = r"(?:__launch_bounds__\s*\([^)]*\)\s*)?"
KERNEL = re.compile(rf"__global__\s+{LAUNCH_BOUNDS}void\s+{LAUNCH_BOUNDS}(\w+)\s*\(")
TEMPLATE_KERNEL = re.compile(r"template\s*<[^>]*>\s*__global__\s+void\s+(\w+)")

NVRTC_ARCHITECTURES = [
    text for text in os.environ.get("CUPY_ON_CPU_NVRTC", "").split(",") if text
]


class KernelSource(NamedTuple):
    """One source that CuPy wanted compiled.

    Attributes
    ----------
    names : tuple of str
        The kernels in it.
    source : str
        CUDA C++.
    options : tuple of str
        Options for NVRTC.
    """

    names: tuple[str, ...]
    source: str
    options: tuple[str, ...]


class HostCompilation(NamedTuple):
    """One run of the host compiler that the cache did not save."""

    names: tuple[str, ...]
    seconds: float


class NvrtcCompilation(NamedTuple):
    """One run of NVIDIA's compiler."""

    names: tuple[str, ...]
    architecture: str
    cubin_bytes: int


sources: list[KernelSource] = []
compile_log: list[HostCompilation] = []
nvrtc_log: list[NvrtcCompilation] = []


def install() -> None:
    """Make CuPy compile its kernels here."""
    compiler._compile_module_with_cache = _compile_module
    # CuPy asks the driver which format the device takes even if it is told.
    compiler._get_arch_for_options_for_nvrtc = lambda arch: (
        f"-arch=sm_{arch}",
        "cubin",
    )


def kernel_names(source: str) -> tuple[str, ...]:
    """Return the names of the kernels in a source, each once."""
    found = KERNEL.findall(COMMENT.sub(" ", source))
    return tuple(dict.fromkeys(found))


def compile_with_nvrtc(
    source: str,
    options: tuple[str, ...],
    architecture: str,
    name_expressions: tuple[str, ...] | None = None,
) -> bytes:
    """Compile with NVIDIA's compiler, which needs no GPU.

    Parameters
    ----------
    source : str
        CUDA C++.
    options : tuple of str
        As in :class:`KernelSource`.
    architecture : str
        Compute capability without the dot, such as ``"90"``.
    name_expressions : tuple of str, optional
        Instances of templates to compile.

    Raises
    ------
    cupy.cuda.compiler.CompileException
        If the compiler rejects the source.
    """
    cubin, _ = compiler._compile_using_nvrtc_no_warning(
        source,
        (*options, "-ftz=true"),  # CuPy adds this one too
        architecture,
        "kernel.cu",
        name_expressions,
    )
    nvrtc_log.append(NvrtcCompilation(kernel_names(source), architecture, len(cubin)))
    return cubin


def _compile_module(
    source,
    options=(),
    *,
    arch=None,
    extra_source=None,
    backend="nvrtc",
    enable_cooperative_groups=False,
    name_expressions=None,
    log_stream=None,
    jitify=False,
    to_ltoir=False,
):
    """Take the place of CuPy's function of the same parameters."""
    if enable_cooperative_groups:
        raise NotImplementedError("cupy_on_cpu: cooperative launch")
    options = tuple(options)
    met = KernelSource(kernel_names(source), source, options)
    if met not in sources:
        sources.append(met)
    for architecture in NVRTC_ARCHITECTURES:  # g++ accepts more than CUDA does
        compile_with_nvrtc(source, options, architecture, name_expressions)

    symbols = {name: f"instance_{i}" for i, name in enumerate(name_expressions or ())}
    library = _compile_for_host(source, options, symbols)
    module = function.Module()
    module.load(str(library).encode())
    module._set_mapping(symbols or None)
    return module


def _compile_for_host(source, options, symbols) -> Path:
    """Compile the source with its entry points to a shared object."""
    options = [
        text for text in options if text.startswith(("-I", "-D", "-std", "--std"))
    ]
    header, include = _header_for(source, options)
    text = "\n".join([header, host_source(source), entry_points(source, symbols)])
    key = build.fingerprint(
        text, build.KERNEL_FLAGS, options, build.host_code_fingerprint()
    )
    target = build.CACHE / f"{key}.so"
    if not target.exists():
        start = time.perf_counter()
        file = build.write(build.CACHE / f"{key}.cpp", text)
        flags = ["-shared", "-fPIC", *build.KERNEL_FLAGS, *include, *options]
        try:
            build.build(target, [build.CXX, *flags, file])
        except RuntimeError as error:
            raise compiler.CompileException(
                str(error)[:6000], source, str(file), tuple(options), "host"
            ) from None
        seconds = time.perf_counter() - start
        compile_log.append(HostCompilation(kernel_names(source), seconds))
    return target


def host_source(source: str) -> str:
    """Rewrite the one construct that no header can hide: dynamic shared memory."""
    return DYNAMIC_SHARED.sub(
        r"\g<type> *\g<name> = (\g<type> *)dynamic_shared_memory;", source
    )


def entry_points(source: str, symbols: dict[str, str]) -> str:
    """Write a function ``launch_K`` for every kernel ``K``.

    Parameters
    ----------
    source : str
        CUDA C++.
    symbols : dict
        Instances of templates and the names that they are to be found by.
    """
    templates = TEMPLATE_KERNEL.findall(source)
    kernels = {name: name for name in kernel_names(source) if name not in templates}
    has_barriers = "true" if BARRIER.search(source) else "false"
    return "\n".join(
        f'extern "C" void launch_{symbol}(\n'
        "    void **arguments, const unsigned *grid, const unsigned *block,\n"
        "    size_t shared_bytes) {\n"
        f"  emulation::launch<{has_barriers}>(\n"
        f"      &{kernel}, arguments, grid, block, shared_bytes);\n"
        "}\n"
        for kernel, symbol in {**kernels, **symbols}.items()
    )


def _header_for(source, options) -> tuple[str, list[str]]:
    """Return the line that includes the CUDA emulation, and the folders to search."""
    here = [f"-I{build.HOST_CODE}"]
    if not source.startswith("#include <cupy/"):
        return '#include "cuda_host.h"', here
    key = build.fingerprint(build.KERNEL_FLAGS, options, build.host_code_fingerprint())
    folder = build.CACHE / f"header-{key}"
    folder.mkdir(exist_ok=True)
    text = f'#include "cuda_host.h"\n{CUPY_PREAMBLE}'
    header = build.write(folder / "preamble.h", text)
    flags = ["-x", "c++-header", "-fPIC", *build.KERNEL_FLAGS, *here, *options]
    build.build(folder / "preamble.h.gch", [build.CXX, *flags, header])
    return '#include "preamble.h"', [f"-I{folder}", *here]
