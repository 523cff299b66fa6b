"""Checks of what a call may do besides returning the right numbers."""

from __future__ import annotations

import numpy as np

from ..backend import get_array_module
from .cases import Subject
from .measured import Measured
from .modes import Arguments, modes_of
from .numeric import arrays_in, map_arrays
from .numeric import relative_error as error
from .snapshot import changes, snapshot

SAME = 1e-13


def inputs_untouched(subject: Subject) -> Measured:
    """No mode writes into one of its arguments."""
    arguments, found = Arguments.draw(subject), Measured()
    before = snapshot(arguments)
    for name, mode in modes_of(subject).items():
        mode(arguments)
        written = changes(before, snapshot(arguments))
        found.holds("no argument written to", not written, f"{name} changed {written}")
    subject.layer.clear_grad()
    return found


def no_call_state(subject: Subject) -> Measured:
    """No mode stores anything on the layer, nor changes a parameter.

    Looked for in everything that can be reached from the layer; gradients, which
    ``backward`` is there to store, are cleared before comparing.
    """
    layer, found = subject.layer, Measured()
    first = Arguments.draw(subject)
    # Other numbers, so that storing them again shows.
    second = first.map(lambda a: 1.5 * a)
    new = sorted(set(snapshot(layer)) ^ set(snapshot(subject.fresh_layer())))
    found.holds("holds what a new layer holds", not new, f"The difference: {new}")
    for name, mode in modes_of(subject).items():
        for arguments in (first, second):
            before = snapshot(layer)
            mode(arguments)
            layer.clear_grad()
            paths = changes(before, snapshot(layer))
            stored = f"{name} changed {paths}"
            found.holds("nothing stored by a call", not paths, stored)
    return found


def adjoint_is_pure(subject: Subject) -> Measured:
    """Only ``backward`` and ``backward_inv`` write gradients."""
    layer, arguments, found = subject.layer, Arguments.draw(subject), Measured()
    modes = modes_of(subject)
    writers = {name: modes.pop(name, None) for name in ("backward", "backward_inv")}
    layer.clear_grad()
    for start in ("without gradients", "with gradients"):
        before = snapshot(layer.get_grads())
        for name, mode in modes.items():
            mode(arguments)
            same = snapshot(layer.get_grads()) == before
            found.holds(f"grad left alone {start}", same, f"{name} changed it")
        writers["backward"](arguments)
    layer.clear_grad()
    return found


def accumulates(subject: Subject) -> Measured:
    """Gradients add up until ``clear_grad``, and do not share memory."""
    layer, arguments, found = subject.layer, Arguments.draw(subject), Measured()
    modes = modes_of(subject)
    for name in ("backward", "backward_inv"):
        if name not in modes:
            continue
        layer.clear_grad()
        modes[name](arguments)
        once = map_arrays(lambda g: g.copy(), layer.get_grads())
        modes[name](arguments)
        twice = map_arrays(lambda g: 2.0 * g, once)
        found.at_most(f"second {name}", error(layer.get_grads(), twice), SAME)
        _check_memory(layer.get_grads(), arguments, found)
        layer.clear_grad()
        cleared = all(grad is None for grad in layer.get_grads())
        found.holds("clear_grad sets None", cleared)
    return found


def _check_memory(grads, arguments, found):
    """An optimiser may work on gradients in place, so they must be arrays apart."""
    if any(get_array_module(array) is not np for array in arrays_in(grads)):
        return
    grads = arrays_in(grads)
    others = [a for v in (arguments.dx, arguments.dy) for a in arrays_in(v)]
    for i, grad in enumerate(grads):
        for other in grads[i + 1 :] + others:
            found.holds("gradients share no memory", not np.shares_memory(grad, other))


def no_synchronisation(subject: Subject) -> Measured:
    """No mode waits for the device, nor copies between host and device.

    Needs the counters of a test double; without any (on NumPy) nothing is counted.
    """
    arguments, found = Arguments.draw(subject), Measured()
    modes, counters = modes_of(subject), subject.counters
    for mode in modes.values():  # Kernels are compiled in the first call.
        mode(arguments)
    if counters is None:
        found.holds("every mode runs, nothing is counted", True)
        return found
    for name, mode in modes.items():
        counters.reset()
        mode(arguments)
        counts = tuple(counters.read())
        detail = f"{name}: waits, copies to host, copies to device: {counts}"
        found.holds("no wait and no copy", not any(counts), detail)
    subject.layer.clear_grad()
    return found
