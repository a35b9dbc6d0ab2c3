from typing import Any

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.floating[Any]]

def conv1d_forward(
    x: _Array,
    w: _Array,
    bias: _Array | None,
    y: _Array,
    stride: int,
    dilation: int,
    groups: int,
    left: int,
    right: int,
    mode: int,
) -> None: ...
def conv1d_input_grad(
    g: _Array,
    w: _Array,
    x_grad: _Array,
    stride: int,
    dilation: int,
    groups: int,
    left: int,
    right: int,
    mode: int,
) -> None: ...
def scatter_range(
    g: _Array, w: _Array, out: _Array, start: int, stride: int, dilation: int, groups: int
) -> None: ...

__test__: dict[str, str]
