"""A residual network as conditioner or summary network."""

from __future__ import annotations

from collections.abc import Callable

from .._types import Rng
from ..base import Bijection, Net
from ..errors import describe, expect, expect_in, expect_positive, message
from ..init import as_rng
from ..kernels.activation_layers import Activation
from .as_net import AsNet
from .conv import Conv
from .pointwise import Pointwise
from .sequential import Sequential
from .skip import Skip

Norm = Callable[..., Bijection | Net]


class ResNet(Sequential):
    """Residual blocks one after the other, and perhaps a last convolution.

    A block is ``x + conv(phi(norm(conv(x))))``, with ``n_hidden`` channels between
    the two convolutions.

    Parameters
    ----------
    n_in, n_hidden : int
        Channels of the input, and inside the blocks.
    n_blocks : int
        Number of blocks; with ``n_out`` the last of them is one convolution.
    k, p, s : int, default 3, 1 and 1
        Kernel size, padding and stride of all convolutions. Blocks must keep the
        spatial size: k = 2 p + 1, s = 1.
    norm : callable, optional
        ``norm(n_hidden, dtype=dtype)`` makes the layer between the first convolution
        and the activation: pass the class ``ActNorm``. By default there is none.
    n_out : int, optional
        Channels of the output, if they are not those of the input.
    activation : Activation or str, default "relu"
        phi.
    zero : bool, default False
        Start the last convolution at zero, with ``n_out``; else that of each block.
        So the net starts as the constant 0, or as the identity.
    ndims : {0, 1, 2, 3}, default 2
        Number of spatial axes; 0 for vectors (N, C).
    dtype : {"float32", "float64"}, default "float32"
        Type of the parameters.
    rng : numpy.random.Generator, optional
        Source of the initial weights.

    Notes
    -----
    The original normalises batches by default. That makes samples depend on each
    other, and the map on whether it is trained; a coupling then no longer inverts.
    ``ActNorm`` is set by the first batch and is a plain trained map from then on.

    References
    ----------
    He, Zhang, Ren and Sun (2016), Deep residual learning for image recognition,
    section 3.2, arXiv:1512.03385.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import ActNorm, ResNet
    >>> x = np.random.default_rng(0).random((2, 3, 8, 8), "float32")
    >>> ResNet(3, 16, 4, norm=ActNorm, n_out=5).forward(x).shape
    (2, 5, 8, 8)
    """

    _is_per_sample = True

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_blocks: int,
        *,
        k: int = 3,
        p: int = 1,
        s: int = 1,
        norm: Norm | None = None,
        n_out: int | None = None,
        activation: Activation | str = "relu",
        zero: bool = False,
        ndims: int = 2,
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        expect_positive("ResNet", n_in=n_in, n_hidden=n_hidden, n_blocks=n_blocks)
        expect_in("ResNet", (0, 1, 2, 3), ndims=ndims)
        drawn = {"dtype": dtype, "rng": as_rng(rng)}
        window = {"kernel": k, "stride": s, "pad": p, "ndims": ndims}
        n_skips = n_blocks if n_out is None else n_blocks - 1
        keeps_size = ndims == 0 or (k == 2 * p + 1 and s == 1)
        wanted = "blocks that keep the spatial size: k = 2 p + 1, s = 1"
        expect(n_skips == 0 or keeps_size, "ResNet", wanted, f"k={k}, p={p}, s={s}")
        super().__init__()
        for _ in range(n_skips):
            block = Sequential(
                Conv(n_in, n_hidden, **window, **drawn),
                *_norm_nets(norm, n_hidden, dtype),
                Pointwise(activation),
                Conv(n_hidden, n_in, zero=zero and n_out is None, **window, **drawn),
            )
            self.nets.append(Skip(block))
        if n_out is not None:
            self.nets.append(Conv(n_in, n_out, zero=zero, **window, **drawn))


def _norm_nets(norm: Norm | None, n_channels: int, dtype: object) -> list[Net]:
    if norm is None:
        return []
    if not callable(norm):
        wanted = "norm to be None or a callable such as the class ActNorm"
        raise TypeError(message("ResNet", wanted, describe(norm)))
    layer = norm(n_channels, dtype=dtype)
    return [layer if isinstance(layer, Net) else AsNet(layer)]
