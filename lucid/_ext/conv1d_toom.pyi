from typing import Any

import numpy as np
from numpy.typing import NDArray

from lucid._ext.toom import Scheme

def correlate(
    x: NDArray[np.floating[Any]],
    w: NDArray[np.floating[Any]],
    bias: NDArray[np.floating[Any]] | None,
    y: NDArray[np.floating[Any]],
    scheme: Scheme,
    first: int,
    mode: int,
) -> bool: ...

__test__: dict[str, str]
