"""Write ``signatures.json`` anew from the installed CuPy.

Run it with a new CuPy version and compare by eye: a signature that changed means that
the host function of that name must change too::

    python test/doubles/cupy_on_cpu/make_signatures.py
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

SIGNATURES_FILE = Path(__file__).with_name("signatures.json")


def current_signatures(known: dict[str, dict[str, str]]) -> dict:
    """Look up the signatures that the installed CuPy gives to the known functions."""
    signatures = {}
    for module_name, functions in known.items():
        exported = importlib.import_module(module_name).__pyx_capi__
        # A capsule prints as <capsule object "int (int)" at 0x...>.
        signatures[module_name] = {
            name: str(exported[name]).split('"')[1] for name in functions
        }
    return signatures


def main():
    known = json.loads(SIGNATURES_FILE.read_text(encoding="utf-8"))
    text = json.dumps(current_signatures(known), indent=1, sort_keys=True)
    SIGNATURES_FILE.write_text(text + "\n", encoding="utf-8")
    print(f"wrote {SIGNATURES_FILE}")


if __name__ == "__main__":
    main()
