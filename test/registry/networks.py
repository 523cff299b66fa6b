"""Cases of the networks."""

from __future__ import annotations

import invertiblenetworks as inn
from invertiblenetworks.testing import Case

from .pieces import glow


def glow_case(name, shape, **options):
    smooth = options.get("block_activation") != "relu"
    options["ndims"] = len(shape) - 2
    return Case(
        f"NetworkGlow {name}",
        lambda f: glow(f, shape[1], **options),
        shape,
        smooth=smooth,
    )


NETWORKS = [
    glow_case("0-D", (2, 3)),
    glow_case("1-D", (2, 3, 2)),
    glow_case("2-D", (2, 2, 2, 2), k1=3, p1=1),
    glow_case("3-D", (2, 2, 1, 2, 2)),
    glow_case("ReLU", (2, 2, 2, 2), block_activation="relu"),
    glow_case("ReLU 3x3", (2, 2, 3), block_activation="relu", k1=3, p1=1),
    glow_case("additive", (2, 3, 2), coupling="additive"),
    glow_case("dense", (2, 2, 2), dense=True, nx=2),
    glow_case("dense scales", (2, 1, 4), dense=True, nx=4, split_scales=True, L=2, K=1),
    glow_case("frozen", (2, 2, 2), freeze_conv=True),
    glow_case("scale sigmoid", (2, 2, 2), activation="sigmoid"),
    glow_case("scales 1-D", (2, 2, 4), split_scales=True, L=2, K=1),
    glow_case("scales 2-D", (1, 1, 4, 4), split_scales=True, L=2, K=1),
    glow_case("scales 3-D", (2, 1, 2, 2, 2), split_scales=True, K=1),
    glow_case(
        "scales ReLU", (2, 2, 4), split_scales=True, L=2, K=1, block_activation="relu"
    ),
    glow_case("one channel", (2, 1, 2), n_reflections=4),
    *(
        glow_case(
            f"scales {type(squeezer).__name__}",
            (2, 1, 4),
            squeezer=squeezer,
            split_scales=True,
            L=2,
            K=1,
        )
        for squeezer in (
            inn.ShuffleLayer("column"),
            inn.HaarLayer(),
            inn.WaveletLayer(),
        )
    ),
]
