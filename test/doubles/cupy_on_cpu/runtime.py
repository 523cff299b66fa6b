"""The CUDA runtime and driver as CuPy sees them, replaced by host functions.

CuPy's compiled modules fetch each other's C functions from ``module.__pyx_capi__``
when they are imported. Once the entries of the wrappers around the CUDA runtime and
driver point to the functions in ``host/``, CuPy is none the wiser.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from . import build

# The C signatures that the host functions were written for, by module and name.
SIGNATURES_FILE = Path(__file__).with_name("signatures.json")
SIGNATURES = json.loads(SIGNATURES_FILE.read_text(encoding="utf-8"))

C_TYPES = {
    "int": ctypes.c_int,
    "unsigned int": ctypes.c_uint,
    "size_t": ctypes.c_size_t,
    "intptr_t": ctypes.c_ssize_t,
    "float": ctypes.c_float,
    "PyObject *": ctypes.py_object,
}


class Statistics(ctypes.Structure):
    """Counts of what CuPy asked of the device; the fields of ``host/runtime.h``.

    Attributes
    ----------
    h2d, d2h, d2d : int
        Copies from the host to the device, back, and on the device; with the suffix
        ``_bytes`` their total size.
    launches : int
        Kernels started.
    sync : int
        Times that the host had to wait for the device.
    mallocs, frees : int
        Blocks taken from the device and given back, by CuPy's memory pool as a rule.
    live, peak : int
        Bytes taken from the device now, and at most since the last reset.
    memsets : int
        Fillings of memory.
    """

    _fields_ = [
        (name, ctypes.c_long)
        for name in (
            "h2d",
            "d2h",
            "d2d",
            "h2d_bytes",
            "d2h_bytes",
            "d2d_bytes",
            "launches",
            "sync",
            "mallocs",
            "frees",
            "live",
            "peak",
            "memsets",
        )
    ]


def _load_host_functions() -> ctypes.PyDLL:
    sources = [build.HOST_CODE / name for name in ("memory.c", "device.c", "launch.c")]
    key = build.fingerprint(build.host_code_fingerprint(), sys.version)
    python_headers = sysconfig.get_path("include")
    flags = ["-O2", "-w", "-shared", "-fPIC", f"-I{python_headers}", "-ldl"]
    library = build.build(
        build.CACHE / f"runtime-{key}.so", [build.CC, *sources, *flags]
    )
    return ctypes.PyDLL(str(library))


_host = _load_host_functions()

stats = Statistics.in_dll(_host, "statistics")
device_bytes = ctypes.c_size_t.in_dll(_host, "device_bytes")
corrupt = ctypes.c_long.in_dll(_host, "corrupt_blocks")
capturing = ctypes.c_int.in_dll(_host, "capturing")


def reset() -> None:
    """Set all counts to zero and let the peak start from the bytes in use now."""
    for name, _ in Statistics._fields_:
        if name != "live":
            setattr(stats, name, 0)
    stats.peak = stats.live


@contextlib.contextmanager
def launch_names() -> Iterator[list[str]]:
    """Collect the names of the kernels that are launched in a ``with`` block."""
    names: list[str] = []
    set_hook = _host.set_launch_hook
    set_hook.argtypes = [ctypes.py_object]
    set_hook.restype = None
    set_hook(names.append)
    try:
        yield names
    finally:
        set_hook(None)


# --- patching ---------------------------------------------------------------------

_kept_alive = []  # the names inside capsules are not copied


def install() -> None:
    """Point the wrappers of the CUDA runtime and driver to the host functions.

    Raises
    ------
    ImportError
        If a function of the installed CuPy has another signature than the one that
        the host function was written for.
    """
    for module_name, signatures in SIGNATURES.items():
        module = importlib.import_module(module_name)
        for name, signature in signatures.items():
            found = signature_of(module, name)
            if found != signature:
                raise ImportError(
                    "cupy_on_cpu was written for another version of CuPy: "
                    f"{module_name}.{name} is {found!r}, expected {signature!r}"
                )
            _replace(module, name, signature)


def signature_of(module: ModuleType, name: str) -> str | None:
    """Return the C signature of a function that a Cython module exports."""
    capsule = module.__pyx_capi__.get(name)
    if capsule is None:
        return None
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.argtypes = [ctypes.py_object]
    get_name.restype = ctypes.c_char_p
    return get_name(capsule).decode()


def _replace(module: ModuleType, name: str, signature: str) -> None:
    """Replace one function, both for compiled callers and for Python callers."""
    prefix = module.__name__.split(".")[-1]
    function = getattr(_host, f"{prefix}_{name}")
    module.__pyx_capi__[name] = _capsule(function, signature)
    if hasattr(module, name):
        setattr(module, name, _python_function(function, signature))


def _capsule(function, signature: str):
    new_capsule = ctypes.pythonapi.PyCapsule_New
    new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    new_capsule.restype = ctypes.py_object
    capsule_name = signature.encode()
    _kept_alive.append(capsule_name)
    return new_capsule(ctypes.cast(function, ctypes.c_void_p), capsule_name, None)


def _python_function(function, signature: str):
    """Make the host function callable from Python without Cython's own arguments."""
    result, arguments = signature[:-1].split("(")
    types = arguments.split(", ")
    own_types = [text for text in types if "__pyx" not in text and text != "void"]
    cython_types = [text for text in types if "__pyx" in text]
    function.restype = C_TYPES[result.strip()]
    function.argtypes = [C_TYPES[text] for text in own_types] + [
        ctypes.c_int if text.startswith("int") else ctypes.c_void_p
        for text in cython_types
    ]
    defaults = [0 if text.startswith("int") else None for text in cython_types]

    def call(*args):
        return function(*args[: len(own_types)], *defaults)

    return call
