"""Random conv1d configurations that are allowed, small enough for the loops of reference.py."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

MODES = ("zeros", "reflect", "replicate", "circular")


class Config(NamedTuple):
    """Shapes and options of one conv1d call."""

    N: int
    C: int
    L: int
    O: int
    K: int
    stride: int
    padding: int | str
    dilation: int
    groups: int
    padding_mode: str
    seed: int

    @property
    def options(self) -> dict:
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
            "padding_mode": self.padding_mode,
        }

    def arrays(self, dtype=np.float64):
        """(x, w, bias) drawn from the seed."""
        rng = np.random.default_rng(self.seed)
        shapes = (self.N, self.C, self.L), (self.O, self.C // self.groups, self.K), (self.O,)
        return tuple(rng.standard_normal(shape).astype(dtype) for shape in shapes)


@st.composite
def configs(draw) -> Config:
    groups = draw(st.integers(1, 3))
    K, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    mode = draw(st.sampled_from(MODES))
    reach = dilation * (K - 1) + 1
    stride = draw(st.integers(1, 4))
    padding = draw(st.one_of(st.integers(0, 4), st.sampled_from(["same", "valid"])))
    if padding == "same":
        stride = 1
    widest = {"same": reach - 1 - (reach - 1) // 2, "valid": 0}.get(padding, padding)
    total = {"same": reach - 1, "valid": 0}.get(padding, 2 * widest if widest else 0)
    least = max(
        1, reach - total, widest + 1 if mode == "reflect" else widest if mode == "circular" else 1
    )
    L = draw(st.integers(least, least + 12))
    return Config(
        N=draw(st.integers(1, 3)),
        C=groups * draw(st.integers(1, 3)),
        L=L,
        O=groups * draw(st.integers(1, 3)),
        K=K,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=mode,
        seed=draw(st.integers(0, 2**32 - 1)),
    )
