"""Checks of parameters: listing, setting, saving, freezing, initialising."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from .. import io
from .cases import Subject
from .measured import Measured
from .modes import Arguments, modes_of, run_modes
from .numeric import arrays_in, map_arrays
from .numeric import relative_error as error
from .pairs import as_one
from .snapshot import bytes_of, changes, snapshot

SAME = 1e-13


def params(subject: Subject) -> Measured:
    """Parameters are listed once, in an order that stays, and can be set."""
    layer, found = subject.layer, Measured()
    listed, again = layer.get_params(), layer.get_params()
    found.holds("each listed once", len({id(p) for p in listed}) == len(listed))
    same = len(listed) == len(again) and all(
        a is b for a, b in zip(listed, again, strict=True)
    )
    found.holds("listed in the same order every time", same)
    other = subject.fresh_layer()
    names = list(layer.named_params())
    found.holds("the same names in every layer", names == list(other.named_params()))
    shapes = [p.shape for p in listed]
    found.holds("the same shapes", shapes == [p.shape for p in other.get_params()])
    _check_setting(subject, found)
    return found


def _check_setting(subject, found):
    layer, arguments = subject.layer, Arguments.draw(subject)
    wanted = snapshot(run_modes(subject, arguments))
    values = [p.data.copy() for p in layer.get_params()]
    layer.set_params(values)
    unchanged = snapshot(run_modes(subject, arguments)) == wanted
    found.holds("setting the current values changes nothing", unchanged)
    for value in values:
        value *= 1.5
    unchanged = snapshot(run_modes(subject, arguments)) == wanted
    found.holds("set_params copies", unchanged)
    moved = [p.data + 0.1 for p in layer.get_params()]
    layer.set_params(moved)
    found.holds(
        "set_params sets",
        error([p.data for p in layer.get_params()], moved) == 0.0,
    )
    changed = snapshot(run_modes(subject, arguments)) != wanted
    found.holds("other parameters give other results", changed)


def save_load(subject: Subject) -> Measured:
    """A file brings all parameters to a new layer of the same kind."""
    found, arguments = Measured(), Arguments.draw(subject)
    other = subject.fresh_layer()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.npz"
        io.save(path, subject.layer)
        io.load(path, other)
    pairs = zip(subject.layer.get_params(), other.get_params(), strict=True)
    same = all(bytes_of(a.data) == bytes_of(b.data) for a, b in pairs)
    found.holds("parameters equal, bit by bit", same)
    wanted = snapshot(run_modes(subject, arguments))
    loaded = snapshot(run_modes(replace(subject, layer=other), arguments))
    found.holds("all modes equal, bit by bit", not changes(wanted, loaded))
    return found


def frozen(subject: Subject) -> Measured:
    """Frozen parameters get no gradient; everything else stays as it was."""
    layer, arguments, found = subject.layer, Arguments.draw(subject), Measured()
    parameters, modes = layer.get_params(), modes_of(subject)
    trainable = [p for p in parameters if p.trainable]
    for name in ("backward", "backward_inv"):
        if name not in modes:
            continue
        layer.clear_grad()
        wanted, grads = modes[name](arguments), layer.get_grads()
        for chosen in (trainable[:1], trainable):
            layer.clear_grad()
            for parameter in chosen:
                parameter.trainable = False
            result = modes[name](arguments)
            found.at_most("difference", error(result, wanted), SAME, name)
            for parameter, grad in zip(parameters, grads, strict=True):
                if parameter.trainable:
                    found.at_most("grads", error(parameter.grad, grad), SAME, name)
                else:
                    found.holds("no gradient", parameter.grad is None, name)
            for parameter in chosen:
                parameter.trainable = True
    return found


def first_batch(subject: Subject) -> Measured:
    """What depends on data is set by the first batch, in both directions, only."""
    found = Measured()
    for method in ("forward",) if subject.is_net else ("forward", "inverse"):
        state = subject.y if method == "inverse" else subject.x
        options = {"inverse": True} if method == "inverse" else {}
        layers = [subject.fresh_layer() for _ in range(2)]
        apis = [as_one(layer) for layer in layers]
        first = getattr(apis[0], method)(state, subject.cond)
        found.holds(f"{method} initialises", layers[0].initialized)
        again = getattr(apis[0], method)(state, subject.cond)
        found.at_most(f"second {method}", error(again, first), SAME)
        apis[1].initialize(state, subject.cond, **options)
        values = [[p.data for p in layer.get_params()] for layer in layers]
        found.at_most(f"initialize for {method}", error(*values), SAME)
        before = snapshot(layers[1])
        other = map_arrays(lambda a: 2.0 * a, state)
        apis[1].initialize(other, subject.cond, **options)
        found.holds("parameters with values keep them", before == snapshot(layers[1]))
        _check_nan(subject, state, method, found)
    return found


def _check_nan(subject, state, method, found):
    """A first batch that is not finite would spoil the parameters for good."""
    layer = subject.fresh_layer()
    spoiled = map_arrays(lambda a: a.copy(), state)
    for array in arrays_in(spoiled):
        array[...] = float("nan")
    try:
        getattr(as_one(layer), method)(spoiled, subject.cond)
    except ValueError:
        found.holds("NaN leaves it without values", not layer.initialized)
    else:
        found.holds("NaN in the first batch raises ValueError", False)
