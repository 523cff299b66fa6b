"""Calls of compiled functions: what they get for each argument."""

from __future__ import annotations

import ctypes
import gc
import sys

import numpy as np
import pytest

from invertiblenetworks.kernels.compiled import calls, library

WAYS = [calls.python_call]
if calls.call not in WAYS:
    WAYS.append(calls.call)
ways = pytest.mark.parametrize("call", WAYS, ids=lambda way: way.__name__)


class Pair(ctypes.Structure):
    _fields_ = (("one", ctypes.c_int64), ("two", ctypes.c_int64))


KINDS = {"address": "a", "number": "n", "real": "r"}


def words_of(call, arguments, field):
    """What a function finds, each word read as this."""
    found, kinds = [], KINDS[field] * len(arguments)

    @ctypes.CFUNCTYPE(None, ctypes.POINTER(calls.Word))
    def function(words):
        found.extend(getattr(words[i], field) for i in range(len(arguments)))

    call(ctypes.cast(function, ctypes.c_void_p).value, kinds, *arguments)
    return found


@ways
def test_arrays_are_where_their_numbers_are(call):
    x = np.arange(60.0).reshape(3, 4, 5)
    fixed = x.copy()
    fixed.flags.writeable = False
    views = [x, x[1:], x[:, 2:, 3:], x[::-1], x[..., ::-2], x.T, x.swapaxes(0, 1)]
    views += [fixed, fixed[2], np.broadcast_to(x[0], (7, 4, 5)), np.asfortranarray(x)]
    views += [x[0, 0, :1], np.array(3.0)]
    views += [x.astype(kind) for kind in ("f4", "f2", ">f8", "c16", "i8", "?")]
    views += [np.zeros(17, "u1")[1:].view("f8"), np.zeros(2, "i1,f8")["f1"]]
    wanted = [view.__array_interface__["data"][0] for view in views]
    found = [
        address
        for i in range(0, len(views), 6)
        for address in words_of(call, views[i : i + 6], "address")
    ]
    assert found == wanted
    assert found[3] == x[2].ctypes.data


@ways
@pytest.mark.parametrize("kind", ["memmap", "subclass"])
def test_arrays_of_other_classes(call, kind, tmp_path):
    """Images on a disk, say: they are arrays as well."""
    if kind == "memmap":
        array = np.memmap(tmp_path / "images", "f4", "w+", shape=(2, 3))
    else:
        array = np.zeros((2, 3)).view(type("Other", (np.ndarray,), {}))
    assert words_of(call, [array], "address") == [array.ctypes.data]


@ways
def test_numbers_and_structures(call):
    pair, integers = Pair(3, 4), [0, -1, 2**62, True, False, np.int32(-7), np.int64(9)]
    assert words_of(call, integers, "number") == [0, -1, 2**62, 1, 0, -7, 9]
    reals = [0.0, -2.5, 1e300, float("inf"), np.float64(0.1), np.float32(2), 3, True]
    assert words_of(call, reals, "real") == reals
    (address,) = words_of(call, [pair], "address")
    assert Pair.from_address(address).two == 4
    assert words_of(call, [None], "address") == [None]
    assert words_of(call, [], "number") == []


@ways
@pytest.mark.parametrize(
    ("value", "field"),
    [
        *((value, "address") for value in (2, 2.5, "text", [1, 2], ctypes.c_int(4))),
        *((value, "number") for value in (2.5, np.float32(2), None, np.zeros(2))),
        *((value, "real") for value in (None, "text", Pair())),
    ],
)
def test_other_objects_are_refused(call, value, field):
    with pytest.raises(TypeError):
        words_of(call, [value], field)


@ways
def test_numbers_that_have_no_room(call):
    for number in (2**63, 2**64, -(2**63) - 1):
        with pytest.raises(OverflowError):
            words_of(call, [number], "number")


@ways
def test_how_many_arguments(call):
    """A function looks at all that it has to have."""
    for arguments in ((), (1,), (1, 2, 3)):
        with pytest.raises(TypeError, match="needs 2 arguments"):
            call(1, "nn", *arguments)


@pytest.mark.usefixtures("compiled_library")
def test_functions_know_their_arguments():
    functions = library.functions(np.dtype("float32"))
    for name, kinds in library.KINDS_OF_ARGUMENTS.items():
        with pytest.raises(TypeError, match=f"needs {len(kinds)} arguments"):
            getattr(functions, name)()


@ways
def test_references_are_counted(call):
    """Nothing is held, nor let go too often."""
    array, pair = np.zeros(3), Pair()
    values = (array, pair)
    before = [sys.getrefcount(value) for value in values]
    for _ in range(100):
        words_of(call, [*values, array[1:]], "address")
        with pytest.raises(TypeError):
            words_of(call, [array, "text"], "address")
    gc.collect()  # Errors refer to frames.
    assert [sys.getrefcount(value) for value in values] == before
