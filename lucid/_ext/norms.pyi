from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_F = TypeVar("_F", np.float32, np.float64)

def group_norm_forward(
    x: NDArray[_F],
    w: NDArray[_F],
    b: NDArray[_F],
    mean: NDArray[np.float64],
    var: NDArray[np.float64],
    y: NDArray[_F],
    eps: float,
    centered: bool,
) -> None: ...
def group_norm_backward(
    g: NDArray[_F],
    x: NDArray[_F],
    w: NDArray[_F],
    mean: NDArray[np.float64],
    var: NDArray[np.float64],
    gx: NDArray[_F],
    gw: NDArray[_F],
    gb: NDArray[_F],
    eps: float,
    centered: bool,
) -> None: ...

__test__: dict[str, str]
