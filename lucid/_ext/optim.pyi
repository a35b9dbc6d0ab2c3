from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_F = TypeVar("_F", np.float32, np.float64)

def adam_step(
    p: NDArray[_F],
    grad: NDArray[_F],
    m: NDArray[_F],
    v: NDArray[_F],
    largest: NDArray[_F] | None,
    sign: float,
    decay: float,
    shrink: float,
    beta1: float,
    beta2: float,
    rate: float,
    root: float,
    eps: float,
) -> None: ...
def sgd_step(
    p: NDArray[_F],
    grad: NDArray[_F],
    buffer: NDArray[_F] | None,
    sign: float,
    decay: float,
    momentum: float,
    new: float,
    rate: float,
    nesterov: bool,
) -> None: ...

__test__: dict[str, str]
