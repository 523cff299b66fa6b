"""The names and parameters of CuPy, as ``make_api_table.py`` wrote them down."""

from __future__ import annotations

import functools
import inspect
import json
from pathlib import Path

API_FILE = Path(__file__).with_name("api.json")
API = json.loads(API_FILE.read_text(encoding="utf-8"))
VERSION = API["version"]


@functools.cache
def signature(parameters):
    """Turn a parameter list such as ``"a, axis=..., *, copy=..."`` into a signature.

    The table marks a parameter with a default by ``=...``, so the list is valid
    Python and need not be parsed here.
    """
    return inspect.signature(eval(f"lambda {parameters}: None"))


def check_arguments(where, parameters, args, kwargs):
    """Raise ``TypeError`` for arguments that CuPy does not take."""
    try:
        signature(parameters).bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(
            f"{where}() {error} [CuPy {VERSION} takes ({parameters})]"
        ) from None
