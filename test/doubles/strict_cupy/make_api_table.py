"""Write ``api.json``: the names and parameters that the installed CuPy offers.

Run it with a new CuPy version; it needs no GPU::

    python test/doubles/strict_cupy/make_api_table.py
"""

from __future__ import annotations

import inspect
import json
import re
import types
from pathlib import Path

API_FILE = Path(__file__).with_name("api.json")

# Kernels and device code cannot be had from NumPy. Without these names the package
# takes its plain array path, which is the one that this double can check.
NEEDS_A_DEVICE = {
    "ElementwiseKernel",
    "RawKernel",
    "RawModule",
    "ReductionKernel",
    "fuse",
    "fromDlpack",
    "from_dlpack",
}

# Functions that declare **kwargs and then refuse most of them.
HIDDEN_PARAMETERS = {"einsum": "*operands, dtype=..., optimize=..."}


def public_names(owner):
    return [name for name in dir(owner) if not name.startswith("_")]


def parameters_of(function):
    """Return the parameter list of ``function``, or None if it cannot be found."""
    if getattr(function, "__name__", "") in HIDDEN_PARAMETERS:
        return HIDDEN_PARAMETERS[function.__name__]
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return parameters_from_docstring(function.__doc__ or "")
    parameters = [
        parameter.replace(
            annotation=parameter.empty,
            default=parameter.empty if parameter.default is parameter.empty else ...,
        )
        for parameter in signature.parameters.values()
    ]
    bare = inspect.Signature(parameters)
    return str(bare)[1:-1].replace("=Ellipsis", "=...")


def parameters_from_docstring(docstring):
    """Read the parameter list that Cython puts on the first line of a docstring."""
    match = re.match(r"[\w.]+\((.*?)\)(?:\s*->.*)?$", docstring.split("\n")[0])
    if match is None:
        return None
    comma_outside_brackets = r",(?![^(\[]*[)\]])"
    parameters = []
    for text in re.split(comma_outside_brackets, match.group(1)):
        name = text.split("=")[0].split(":")[0].split()
        if name and name[-1] != "self":
            parameters.append(name[-1] + ("=..." if "=" in text else ""))
    return ", ".join(parameters)


def module_table(cupy, module):
    """Sort the public names of a module by their kind."""
    table = {"constants": [], "types": [], "ufuncs": [], "functions": {}}
    for name in public_names(module):
        value = getattr(module, name)
        if name in NEEDS_A_DEVICE or isinstance(value, types.ModuleType):
            continue
        if isinstance(value, cupy.ufunc):
            table["ufuncs"].append(name)
        elif isinstance(value, type):
            table["types"].append(name)
        elif callable(value):
            table["functions"][name] = parameters_of(value)
        elif name != "annotations":
            table["constants"].append(name)
    return table


def array_table(ndarray):
    """List the attributes and methods of the array class."""
    table = {"attributes": [], "methods": {}}
    for name in public_names(ndarray):
        value = getattr(ndarray, name)
        if callable(value):
            table["methods"][name] = parameters_from_docstring(value.__doc__ or "")
        else:
            table["attributes"].append(name)
    return table


def api_table(cupy):
    """Describe the CuPy module ``cupy`` as a dictionary that JSON can hold."""
    return {
        "version": cupy.__version__,
        "cupy": module_table(cupy, cupy),
        "linalg": module_table(cupy, cupy.linalg),
        "stride_tricks": module_table(cupy, cupy.lib.stride_tricks),
        "ndarray": array_table(cupy.ndarray),
    }


def main():
    import cupy

    text = json.dumps(api_table(cupy), indent=1, sort_keys=True)
    API_FILE.write_text(text + "\n", encoding="utf-8")
    print(f"CuPy {cupy.__version__}: wrote {API_FILE}")


if __name__ == "__main__":
    main()
