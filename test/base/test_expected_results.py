"""What hooks that a user wrote return is looked at before it is used."""

import numpy as np
import pytest

from invertiblenetworks import SGD, Bijection
from invertiblenetworks.parameter import Parameter


class Scaling(Bijection):
    """Multiply by two; each hook returns what it is told to."""

    def __init__(self, *keep):
        self.keep = keep

    def _cut(self, *results):
        return results if not self.keep else results[: self.keep[0]]

    def _forward(self, x, cond):
        return self._cut(2 * x, np.zeros(len(x), x.dtype))

    def _inverse(self, y, cond):
        return self._cut(y / 2, np.zeros(len(y), y.dtype))

    def _backward(self, dy, dld, y, cond, add_grad):
        return self._cut(2 * dy, y / 2, None)

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        return self._cut(dx / 2, 2 * x, None)


@pytest.mark.parametrize(
    ("method", "wanted"),
    [
        ("forward", r"_forward: expected a result \(y, ld\)"),
        ("inverse", r"_inverse: expected a result \(y, ld\)"),
        ("backward", r"_backward: expected a result \(dx, x, dcond\)"),
        ("backward_inv", r"_backward_inv: expected a result \(dx, x, dcond\)"),
    ],
)
def test_results_of_hooks_are_complete(method, wanted):
    x = np.ones((2, 3))
    arguments = (x, x) if "backward" in method else (x,)
    getattr(Scaling(), method)(*arguments)
    with pytest.raises(TypeError, match="Scaling." + wanted):
        getattr(Scaling(1), method)(*arguments)


def test_gradients_have_the_shape_of_their_parameter():
    parameter = Parameter(np.zeros(4))
    for gradient in (np.ones((2, 4)), np.ones(3), np.array(1.0), [1.0, 1.0, 1.0, 1.0]):
        with pytest.raises(ValueError, match=r"accumulate: expected .*shape \(4,\)"):
            parameter.accumulate(gradient)
    assert parameter.grad is None
    parameter.accumulate(np.ones(4))
    SGD(1.0).step([parameter])
    assert (parameter.data == -1).all()
