from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_F = TypeVar("_F", np.float32, np.float64)

def add(a: NDArray[_F], b: NDArray[_F], out: NDArray[_F]) -> None: ...
def mul(a: NDArray[_F], b: NDArray[_F], out: NDArray[_F]) -> None: ...

__test__: dict[str, str]
