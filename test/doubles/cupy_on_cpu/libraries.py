"""Stand-ins for cuBLAS, cuSOLVER, cuRAND and the other libraries that CuPy links to.

Each stand-in carries NVIDIA's name and exports every function that CuPy wants from it:
some are written in ``host/``, all others report that they are not supported.
"""

from __future__ import annotations

import ctypes
import json
import re
import tempfile
from pathlib import Path

import cupy_backends
import numpy as np

from . import build

SITE_PACKAGES = Path(cupy_backends.__file__).parents[1]

EXTENSION_MODULES = ("cupy_backends/cuda/libs/*.so", "cupyx/*.so", "cupy/cuda/*.so")

# CuPy works without these, or brings its own.
LEFT_OUT = ("libcutensor", "libnvrtc")

_loaded = []  # a library that is garbage-collected would be closed


def install() -> None:
    """Build the stand-ins if need be and load them, so that CuPy finds them loaded."""
    for soname, functions in _wanted_functions().items():
        library = _build_library(soname, functions)
        _loaded.append(ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL))


def _wanted_functions() -> dict[str, list[str]]:
    """Return the names that CuPy wants from each library, by the library's soname."""
    modules = [
        path
        for pattern in EXTENSION_MODULES
        for path in sorted(SITE_PACKAGES.glob(pattern))
    ]
    key = build.fingerprint(*[(path, path.stat().st_mtime_ns) for path in modules])
    listing = build.CACHE / f"wanted-{key}.json"
    if not listing.exists():  # asking nm takes a third of a second
        build.write(listing, json.dumps(_read_wanted_functions(modules)))
    return json.loads(listing.read_text(encoding="utf-8"))


def _read_wanted_functions(modules: list[Path]) -> dict[str, list[str]]:
    wanted: dict[str, set[str]] = {}
    for module in modules:
        symbols = build.run(["nm", "-D", module])
        for name, soname in re.findall(r" U (cu\w+)@+(\S+)", symbols):
            if not soname.startswith(LEFT_OUT):
                wanted.setdefault(soname, set()).add(name)
    return {
        **{soname: [] for soname in _libraries_only_looked_for(wanted)},
        **{soname: sorted(names) for soname, names in sorted(wanted.items())},
    }


def _libraries_only_looked_for(wanted: dict[str, set[str]]) -> list[str]:
    """Name the libraries that must be there although CuPy calls nothing in them.

    They come first, since the others are found missing without them.
    """
    (cublas,) = [soname for soname in wanted if soname.startswith("libcublas.")]
    version = cublas.split(".so.")[1]
    return [f"libcublasLt.so.{version}", f"libnvJitLink.so.{version}"]


def _build_library(soname: str, functions: list[str]) -> Path:
    key = build.fingerprint(soname, functions, build.host_code_fingerprint())
    target = build.CACHE / f"{key}-{soname}"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory() as folder:
        objects = _compile_own_functions(soname, Path(folder))
        written = _functions_defined_in(objects)
        refused = [name for name in functions if name not in written]
        stubs = Path(folder, "stubs.c")
        stubs.write_text(_source_of_stubs(refused), encoding="utf-8")
        # CuPy asks for symbols of a version that is called like the library.
        versions = Path(folder, "versions.map")
        versions.write_text(f"{soname} {{ global: *; }};\n", encoding="utf-8")
        flags = ["-w", "-shared", "-fPIC", f"-I{build.HOST_CODE}"]
        link = [f"-Wl,-soname,{soname}", f"-Wl,--version-script={versions}"]
        build.build(target, [build.CC, *flags, stubs, *objects, *link, "-lm", "-ldl"])
    return target


def _compile_own_functions(soname: str, folder: Path) -> list[Path]:
    """Compile the source file for a library, if there is one."""
    name = soname.split(".so")[0].removeprefix("lib")
    source = build.HOST_CODE / f"{name}.c"
    if not source.exists():
        return []
    flags = ["-O2", "-w", "-fPIC", f'-DOPENBLAS_PATH="{_openblas()}"']
    target = folder / f"{name}.o"
    build.run([build.CC, *flags, "-c", source, "-o", target])
    return [target]


def _functions_defined_in(objects: list[Path]) -> set[str]:
    symbols = [build.run(["nm", "--defined-only", path]) for path in objects]
    return {name for text in symbols for name in re.findall(r" T (\w+)", text)}


def _source_of_stubs(names: list[str]) -> str:
    lines = [f'int {name}(void) {{ return refuse("{name}"); }}' for name in names]
    return "\n".join(['#include "refuse.h"', *lines, ""])


def _openblas() -> Path:
    """Return the path of the OpenBLAS with 64-bit integers inside the NumPy wheel."""
    folder = Path(np.__file__).parents[1] / "numpy.libs"
    found = sorted(folder.glob("libscipy_openblas64_*"))
    if not found:
        raise ImportError(
            f"cupy_on_cpu needs the OpenBLAS of NumPy's PyPI wheel; none in {folder}"
        )
    return found[0]
