from typing import Any

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.floating[Any]]

def conv1d_weight_grad(
    g: _Array,
    x: _Array,
    w_grad: _Array,
    stride: int,
    dilation: int,
    groups: int,
    left: int,
    right: int,
    mode: int,
) -> None: ...

__test__: dict[str, str]
