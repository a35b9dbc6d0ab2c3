from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_F = TypeVar("_F", np.float32, np.float64)

def batch_norm_forward(
    x: NDArray[_F],
    w: NDArray[_F],
    b: NDArray[_F],
    mean: NDArray[np.float64],
    var: NDArray[np.float64],
    y: NDArray[_F],
    eps: float,
    training: bool,
) -> None: ...
def batch_norm_backward(
    g: NDArray[_F],
    x: NDArray[_F],
    w: NDArray[_F],
    mean: NDArray[np.float64],
    var: NDArray[np.float64],
    gx: NDArray[_F],
    gw: NDArray[_F],
    gb: NDArray[_F],
    eps: float,
    training: bool,
) -> None: ...
def channel_sum(x: NDArray[_F], out: NDArray[_F]) -> None: ...
def max_pool_forward(
    x: NDArray[_F],
    y: NDArray[_F],
    places: NDArray[np.int64],
    K: int,
    stride: int,
    padding: int,
    dilation: int,
) -> None: ...
def max_pool_backward(g: NDArray[_F], places: NDArray[np.int64], gx: NDArray[_F]) -> None: ...

__test__: dict[str, str]
