from typing import Any

import numpy as np
from numpy.typing import NDArray

from lucid._ext.toom import Scheme

def correlate_weight(
    g: NDArray[np.floating[Any]],
    x: NDArray[np.floating[Any]],
    w_grad: NDArray[np.floating[Any]],
    scheme: Scheme,
    first: int,
    mode: int,
) -> bool: ...

__test__: dict[str, str]
