"""What can be asked of networks whose second lane does not see the first."""

from __future__ import annotations

from .._types import Array


class LaneYMixin:
    """Methods for lane Y alone, given an attribute ``lane_y`` that maps it."""

    def forward_y(self, y: Array, *, logdet: bool = False):
        """Map lane Y alone: ``z_y``, or ``(z_y, logdet_y)``."""
        z, ld = self.lane_y._run(False, "forward", y, None)
        return (z, ld.mean()) if logdet else z

    def inverse_y(self, zy: Array) -> Array:
        """Map the latent of lane Y back, alone."""
        return self.lane_y.inverse(zy)

    def conditional_log_prob(self, x: Array, y: Array) -> Array:
        """``log p(x | y)`` of each sample for normal latents; shape (N,), in nats.

        ``log_prob(x, y)`` is that of both together, ``log p(x, y)``.
        """
        return self.log_prob(x, y) - self.lane_y.log_prob(y)

    def log_abs_det_lanes(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Per-sample log-determinants of lane X given Y, and of lane Y alone.

        The first is the term of the conditional density of x given y.
        """
        of_y = self.lane_y.log_abs_det(y)
        return self.log_abs_det(x, y) - of_y, of_y
