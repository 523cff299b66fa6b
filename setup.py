"""Build script; all but what is compiled is declared in setup.cfg."""

import os
import platform

from setuptools import Extension, setup

FOLDER = "invertiblenetworks/kernels/compiled"

PARTS = (
    "panels",
    "parts",
    "matrices",
    "elementary",
    "activations",
    "products",
    "windows",
    "lines",
    "line_products",
    "components",
    "block",
    "convolution",
    "mixing",
    "copying",
    "householder",
    "scales",
    "coupling",
    "entries",
)

HEADERS = ("team", *(f"{part}_of_type" for part in PARTS))

# Products are added without rounding: the exponential is exact by that.
OPTIONS = ["-O3", "-std=gnu11", "-ffp-contract=fast", "-pthread"]

INSTRUCTIONS = {
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mfma"],
    "avx2": ["-mavx2", "-mfma"],
}


def extensions() -> list[Extension]:
    """The same code for several sets of instructions, chosen from when it runs.

    And what calls it, or else ctypes does. Each is optional: without kernels NumPy
    does their work.
    """
    if os.name != "posix" or platform.machine().lower() not in ("x86_64", "amd64"):
        return []
    module = FOLDER.replace("/", ".")
    found = [
        Extension(
            f"{module}.kernels_{name}",
            sources=[f"{FOLDER}/kernels.c"],
            depends=[f"{FOLDER}/{header}.h" for header in HEADERS],
            extra_compile_args=[*OPTIONS, *flags],
            extra_link_args=["-pthread"],
            optional=True,
        )
        for name, flags in INSTRUCTIONS.items()
    ]
    calls = [f"{FOLDER}/calls.c"]
    found.append(Extension(f"{module}._calls", sources=calls, optional=True))
    return found


setup(ext_modules=extensions())
