"""Filling parameters with their first numbers, in place.

    filling.py     numbers drawn one by one, or all the same
    scaled.py      Kaiming's and Xavier's: ranges that keep the scale of a signal
    structured.py  identity, orthogonal rows, many zeros

Each function draws from ``generator`` if one is given; else, while a layer is being initialized,
from the layer's own seed; else from the global random numbers.
"""

from lucid.nn.init.filling import constant_, normal_, ones_, trunc_normal_, uniform_, zeros_
from lucid.nn.init.scaled import by_fan_in_ as by_fan_in_
from lucid.nn.init.scaled import (
    calculate_gain,
    kaiming_normal_,
    kaiming_uniform_,
    xavier_normal_,
    xavier_uniform_,
)
from lucid.nn.init.scaled import fans as fans
from lucid.nn.init.structured import dirac_, eye_, orthogonal_, sparse_

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
