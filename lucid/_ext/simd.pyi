from typing import Any

import numpy as np
from numpy.typing import NDArray

simd_level: str

def all_finite(array: NDArray[np.floating[Any]]) -> bool: ...
def register_lanes(array: NDArray[np.floating[Any]]) -> int: ...
def fma_limit() -> float: ...

__test__: dict[str, str]
__pyx_capi__: dict[str, object]  # what other kernels cimport
