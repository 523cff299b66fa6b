"""The exceptions of the package and the one form in which they are worded.

Every message reads ``Class.method: expected <what>, got <what>. <what to do>``.
"""

from __future__ import annotations

import numbers
import reprlib


class NotInitializedError(RuntimeError):
    """A data-dependent layer was used before it had seen data.

    Call ``forward`` (or ``inverse``, or ``initialize``) with a batch first, or load
    parameters.
    """


class LayerError(Exception):
    """Carries the finding of one layer until the called method is known.

    Layers raise it from their checks; the public method that the user called turns
    it into an error of type ``kind`` which names that method. Users never see it.
    """

    def __init__(
        self,
        layer: object,
        text: str,
        kind: type[Exception] = ValueError,
        own_hint: str = "",
    ):
        super().__init__(text)
        self.layer = layer
        self.text = text
        self.kind = kind
        self.own_hint = own_hint


_short = reprlib.Repr()
# Of long and nested lists the beginning tells what they are.
_short.maxlevel, _short.maxlist, _short.maxother = 2, 4, 200


def describe(value: object) -> str:
    """Say in a few words what ``value`` is, for the "got" half of a message."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if value is None:
        return "None"
    if isinstance(value, numbers.Number):
        return f"{type(value).__name__} {value}"
    if shape is not None and dtype is not None and hasattr(value, "reshape"):
        module = type(value).__module__.split(".")[0]
        return f"a {dtype} {module} array of shape {tuple(shape)}"
    if isinstance(value, tuple):
        return "(" + ", ".join(describe(v) for v in value) + ")"
    return f"{type(value).__name__} {_short.repr(value)}"


def message(where: str, expected: str, got: str, hint: str = "") -> str:
    """Word an error in the form all of the package uses."""
    text = f"{where}: expected {expected}, got {got}."
    return f"{text} {hint}" if hint else text


def expect(condition: bool, where: str, expected: str, got: object, hint: str = ""):
    """Raise ``ValueError`` in the usual form unless ``condition`` holds."""
    if not condition:
        got = got if isinstance(got, str) else describe(got)
        raise ValueError(message(where, expected, got, hint))


def expect_positive(where: str, **values: int) -> None:
    """Raise unless every value is a positive whole number."""
    for name, value in values.items():
        # NumPy's integers are integers, too; bool is one by accident.
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        ok = whole and value > 0
        expect(ok, where, f"{name} to be a positive integer", value)


def expect_real(where: str, hint: str = "", **values: object) -> None:
    """Raise unless every value is a real number, or an array of one."""
    for name, value in values.items():
        is_real = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not (is_real or getattr(value, "ndim", None) == 0):
            wanted = f"{name} to be one number"
            raise TypeError(message(where, wanted, describe(value), hint))


def expect_in(where: str, choices: tuple, **values: object) -> None:
    """Raise unless every value is one of ``choices``."""
    for name, value in values.items():
        allowed = ", ".join(map(repr, choices))
        expect(value in choices, where, f"{name} to be one of {allowed}", repr(value))
