"""Activation normalisation."""

from __future__ import annotations

from ..backend import get_array_module
from ..errors import expect_positive, message
from ..init import float_type
from ..kernels.channels import n_pixels, on_channels, sum_but_channels
from ..parameter import Parameter
from .conv1x1 import Conv1x1
from .normalized_mixing import NormalizedMixing
from .scale_shift import ScaleShift


class ActNorm(ScaleShift):
    """Activation normalisation: per-channel affine map set from the first batch.

    Map: ``y = s * x + b`` on each channel; log-determinant ``P sum(log|s|)`` with P
    pixels per channel.

    Parameters
    ----------
    n_channels : int
        Number of channels of ``x``.
    logdet : bool, default False
        Return the batch-mean log-determinant from ``forward`` and include
        ``- logdet`` in gradients.
    dtype : {"float32", "float64"}, default "float32"
        Type of the parameters.

    Attributes
    ----------
    s, b : Parameter, shape (n_channels,)
        Scale and shift; without values until the first batch.

    Raises
    ------
    NotInitializedError
        If gradients are asked for before a batch was seen.

    Notes
    -----
    The first batch, in ``forward`` or ``inverse``, is mapped to mean 0 and (unbiased)
    variance 1 per channel. A channel that is constant in that batch, up to rounding,
    is shifted and keeps its scale. Cost: O(size of x).

    References
    ----------
    Kingma and Dhariwal (2018), Glow, section 3.1, arXiv:1807.03039.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import ActNorm
    >>> x = np.random.default_rng(0).uniform(2, 5, (8, 3, 4, 4)).astype("float32")
    >>> y = ActNorm(3).forward(x)
    >>> bool(abs(y.mean()) < 1e-5), bool(abs(y.std() - 1) < 1e-2)
    (True, True)
    """

    def __init__(
        self, n_channels: int, *, logdet: bool = False, dtype: object = "float32"
    ):
        expect_positive("ActNorm", n_channels=n_channels)
        dtype = float_type(dtype, "ActNorm")
        self.logdet = logdet
        self.s = Parameter(shape=(n_channels,), dtype=dtype)
        self.b = Parameter(shape=(n_channels,), dtype=dtype)

    def _folded_with(self, following):
        # Not for subclasses: what they change would be passed over.
        fits = type(self) is ActNorm and type(following) is Conv1x1
        return NormalizedMixing(self, following) if fits else None

    def _spread(self, v, x):
        return on_channels(v, x)

    def _collect(self, x):
        return sum_but_channels(x)

    def _repeats(self, x):
        return n_pixels(x)

    def _check_shape(self, shape, cond_shape, inverse):
        (wanted,) = self.s.shape
        own_hint = f"Build the layer with ActNorm({shape[1]})."
        self._expect_channels(wanted, shape, own_hint)
        return shape

    def _initialize(self, x, cond, inverse):
        if not self.initialized:
            mean, std = self._statistics(x)
            # forward: (x - mean) / std; inverse, (y - b) / s, must do the same.
            if not self.s.initialized:
                self.s.set(std if inverse else 1.0 / std)
            if not self.b.initialized:
                self.b.set(mean if inverse else -mean * self.s.data)
        return super()._initialize(x, cond, inverse)

    def _statistics(self, x):
        """Mean and standard deviation per channel; 1 where the latter is rounding."""
        xp = get_array_module(x)
        numbers = xp.finfo(x.dtype)
        # In units of the largest value, so that no square overflows or vanishes.
        unit = xp.maximum(abs(x).max(), float(numbers.tiny))
        scaled = x / unit
        count = x.shape[0] * n_pixels(x)
        mean = sum_but_channels(scaled) / count
        centred = scaled - on_channels(mean, x)
        variance = sum_but_channels(centred * centred) / max(count - 1, 1)
        rounding = 8.0 * float(numbers.eps) * abs(mean)
        constant = variance <= rounding * rounding
        std = xp.where(constant, xp.ones_like(variance), xp.sqrt(variance) * unit)
        usable = xp.isfinite(std) & (std >= float(numbers.tiny))
        if not bool(usable.all()):
            wanted = f"a spread whose inverse {x.dtype} can hold"
            got = "values too large or too small"
            hint = "Rescale the data."
            raise ValueError(message("ActNorm.initialize", wanted, got, hint))
        return mean * unit, std
