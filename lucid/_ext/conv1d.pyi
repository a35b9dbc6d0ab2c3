from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_F = TypeVar("_F", np.float32, np.float64)

simd_level: str

def conv1d_forward(
    x: NDArray[_F],
    w: NDArray[_F],
    y: NDArray[_F],
    stride: int,
    dilation: int,
    groups: int,
    left: int,
    right: int,
    mode: int,
) -> None: ...
def conv1d_input_grad(
    g: NDArray[_F],
    w: NDArray[_F],
    x_grad: NDArray[_F],
    stride: int,
    dilation: int,
    groups: int,
    left: int,
    right: int,
    mode: int,
) -> None: ...
def conv1d_weight_grad(
    g: NDArray[_F],
    x: NDArray[_F],
    w_grad: NDArray[_F],
    stride: int,
    dilation: int,
    groups: int,
    left: int,
    right: int,
    mode: int,
) -> None: ...
def new_rows(channels: int, length: int, like: NDArray[_F]) -> NDArray[_F]: ...
def places(K: int, dilation: int, stride: int, phase: int) -> NDArray[np.intp]: ...

__test__: dict[str, str]
