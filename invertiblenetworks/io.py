"""Save the parameters of a network in one file, and load them again.

The file is an ordinary ``.npz`` that ``numpy.load`` reads without pickle: the entry
``header`` is a text in JSON, ``params/<name>`` is an array for every parameter that has
values, and ``metadata/<number>`` an array among the metadata.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import sys
import uuid
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ._types import Array, Shape
from .backend import is_array, to_cpu, to_gpu
from .base import Layer
from .errors import describe, expect, message
from .parameter import Parameter

__all__ = ["load", "load_metadata", "save"]

FORMAT = "invertiblenetworks"
FORMAT_VERSION = 1
HEADER = "header"
ARRAY_KEY = "__array__"  # in the header, stands for an array stored beside it


class Entry(NamedTuple):
    """What the header says about one parameter."""

    shape: Shape
    dtype: str
    initialized: bool


# All that zipfile, zlib, json and NumPy are known to raise on a damaged file.
DAMAGED = (
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def save(path: str | os.PathLike, layer: Layer, /, **metadata: Any) -> None:
    """Save the parameters of a layer or network, and whatever belongs to them.

    Parameters
    ----------
    path : path
        Name of the file, used as it is; ``.npz`` is usual. A file of that name is
        replaced, in one move once the new one is complete.
    layer : Layer
        Any layer, net or network. Arrays on a GPU are copied to the CPU.
    **metadata
        Anything made of numbers, texts, lists, dictionaries (as JSON keeps them) and
        arrays, for instance ``epoch=3, losses=losses, adam=opt.state_dict(params)``.

    Raises
    ------
    TypeError
        If the metadata hold something else.
    FileNotFoundError, IsADirectoryError
        If the folder is not there, or the path is one.

    Notes
    -----
    Parameters are known by their path in the network, such as
    ``layers.0.s``. One that has no values yet is recorded as such. Gradients are not
    saved.

    Examples
    --------
    >>> import tempfile
    >>> from invertiblenetworks import ActNorm
    >>> layer = ActNorm(2, logdet=True)
    >>> y, logdet = layer.forward(np.random.rand(4, 2, 3, 3).astype("float32"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/layer.npz", layer, epoch=3)
    ...     new = ActNorm(2)
    ...     metadata = load(f"{folder}/layer.npz", new)
    >>> metadata, new.inverse(y).shape
    ({'epoch': 3}, (4, 2, 3, 3))
    """
    _expect_layer("save", layer)
    _expect_place(Path(path))
    arrays, entries = {}, {}
    for name, parameter in layer.named_params().items():
        entries[name] = _entry(parameter)._asdict()
        if parameter.initialized:
            arrays[f"params/{name}"] = to_cpu(parameter.data)
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "package_version": sys.modules[__package__].__version__,
        "params": entries,
        "metadata": metadata,
    }
    arrays[HEADER] = np.array(_to_json(header, arrays))
    _write(Path(path), arrays)


def load(path: str | os.PathLike, layer: Layer, /) -> dict[str, Any]:
    """Load what ``save`` saved into a layer that is built alike.

    Parameters
    ----------
    path : path
        The file.
    layer : Layer
        Its parameters take the values, on the device where they are. A layer that
        depends on data is then ready: no forward pass is needed before ``inverse``.

    Returns
    -------
    dict
        The metadata. Arrays among them are NumPy arrays.

    Raises
    ------
    ValueError
        If the file is damaged, of another format, of a newer version, or its
        parameters have other names or shapes than those of the layer, or no values.
    TypeError
        If their types differ.
    OSError
        If the file cannot be opened.

    Notes
    -----
    After any of these errors the layer is as it was.
    """
    _expect_layer("load", layer)
    arrays = _read(path)
    entries, metadata = _read_header(path, arrays)
    params = layer.named_params()
    _check_names(entries, params)
    for name, parameter in params.items():
        _check_entry(name, entries[name], _entry(parameter))
    values = {
        name: _values(path, arrays, name, parameter)
        for name, parameter in params.items()
        if entries[name].initialized
    }
    for name, array in values.items():
        params[name].set(array)
    return metadata


def load_metadata(path: str | os.PathLike) -> dict[str, Any]:
    """Return the metadata of a file that ``save`` wrote.

    With the arguments of a network among them, it can be built before ``load``.

    Raises
    ------
    ValueError
        If the file is damaged, of another format or of a newer version.
    OSError
        If the file cannot be opened.
    """
    return _read_header(path, _read(path))[1]


# --- the file -----------------------------------------------------------------------


def _expect_place(path: Path) -> None:
    """Raise unless a file may be there: what comes later names a temporary one."""
    wanted, got = "the name of a file in a folder that is there", repr(str(path))
    if path.is_dir():
        raise IsADirectoryError(message("save", wanted, f"a folder, {got}"))
    if not path.parent.is_dir():
        hint = "Make the folder first."
        raise FileNotFoundError(message("save", wanted, got, hint))


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a complete file beside ``path``, then let it take its place."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for name, array in arrays.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                        np.lib.format.write_array(entry, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    with open(path, "rb") as file, _damage_reported(path):
        with zipfile.ZipFile(file) as archive:
            return {
                name.removesuffix(".npy"): _read_array(archive.read(name))
                for name in archive.namelist()
            }


def _read_array(content: bytes) -> np.ndarray:
    # From bytes whose checksum was found right: a damaged length would otherwise make
    # NumPy reserve memory for an array of any size.
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)


def _to_json(header: dict, arrays: dict[str, np.ndarray]) -> str:
    """Write the header, and put arrays found in it among ``arrays``."""

    def replace(value):
        if isinstance(value, np.generic):
            return value.item()
        if is_array(value) and not value.dtype.hasobject:
            name = f"metadata/{len(arrays)}"
            arrays[name] = to_cpu(value)
            return {ARRAY_KEY: name}
        wanted = "metadata of numbers, texts, lists, dictionaries and arrays"
        raise TypeError(message("save", wanted, describe(value)))

    if _has_key(header, ARRAY_KEY):
        wanted, got = f"metadata without the key {ARRAY_KEY!r}", "one with it"
        raise TypeError(message("save", wanted, got))
    return json.dumps(header, default=replace)


def _has_key(value: object, key: str) -> bool:
    """True if a dictionary anywhere in the value has the key."""
    if isinstance(value, dict):
        return key in value or any(_has_key(v, key) for v in value.values())
    return isinstance(value, list | tuple) and any(_has_key(v, key) for v in value)


def _read_header(path, arrays: dict[str, np.ndarray]) -> tuple[dict[str, Entry], dict]:
    """Return what the header says about the parameters, and the metadata."""

    def restore(value):
        return arrays[value[ARRAY_KEY]] if set(value) == {ARRAY_KEY} else value

    with _damage_reported(path):
        header = json.loads(str(arrays[HEADER]), object_hook=restore)
        kind, version = header["format"], header["format_version"]
        written_by = f"version {version} of package {header['package_version']}"
    expect(kind == FORMAT, "load", f"a file of format {FORMAT!r}", repr(kind))
    wanted = f"version {FORMAT_VERSION} of the file format"
    expect(version == FORMAT_VERSION, "load", wanted, written_by, "Update the package.")
    with _damage_reported(path):
        entries = {
            name: Entry(tuple(entry["shape"]), entry["dtype"], entry["initialized"])
            for name, entry in header["params"].items()
        }
        return entries, header["metadata"]


@contextlib.contextmanager
def _damage_reported(path: str | os.PathLike):
    """Turn whatever goes wrong on a damaged file into one exception that says so."""
    try:
        yield
    except DAMAGED as error:
        got = f"{os.fspath(path)!r}, which is another or damaged ({error})"
        wanted = "a complete file written by save"
        raise ValueError(message("load", wanted, got)) from error


# --- does it fit the layer? ---------------------------------------------------------


def _expect_layer(where: str, layer: object) -> None:
    if not isinstance(layer, Layer):
        raise TypeError(message(where, "a layer as second argument", describe(layer)))


def _entry(parameter: Parameter) -> Entry:
    return Entry(parameter.shape, parameter.dtype.name, parameter.initialized)


def _check_names(entries: dict[str, Entry], params: dict[str, Parameter]) -> None:
    missing = [name for name in params if name not in entries]
    extra = [name for name in entries if name not in params]
    expect(
        not missing and not extra,
        "load",
        "a file with the parameters of the layer",
        f"one without {missing[:5]} and with {extra[:5]} (up to five of each)",
        "Build the layer with the arguments it had when it was saved.",
    )


def _check_entry(name: str, found: Entry, wanted: Entry) -> None:
    expected = f"{name} of shape {wanted.shape}"
    expect(found.shape == wanted.shape, "load", expected, f"shape {found.shape}")
    if found.dtype != wanted.dtype:
        hint = "Convert the layer with astype; after loading, back again."
        expected = f"{name} of type {wanted.dtype}"
        raise TypeError(message("load", expected, found.dtype, hint))
    has_values = found.initialized or not wanted.initialized
    got = "none: the file was saved before the first batch"
    expect(has_values, "load", f"values for {name}", got)


def _values(
    path, arrays: dict[str, np.ndarray], name: str, parameter: Parameter
) -> Array:
    """Return the values of one parameter, on its device."""
    with _damage_reported(path):
        values = arrays[f"params/{name}"].astype(parameter.dtype, copy=False)
        if values.shape != parameter.shape:
            raise ValueError(f"{name} has shape {values.shape}")
    return values if parameter.array_module is np else to_gpu(values)
