from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_F = TypeVar("_F", np.float32, np.float64)

def recurrent_forward(
    kind: int,
    sizes: NDArray[np.int64],
    x: NDArray[_F],
    w_ih: NDArray[_F],
    w_hh: NDArray[_F],
    b: NDArray[_F],
    h: NDArray[_F],
    c: NDArray[_F] | None,
    gates: NDArray[_F],
    before: NDArray[_F],
    c_before: NDArray[_F] | None,
    tanh_c: NDArray[_F] | None,
    y: NDArray[_F],
    reverse: bool,
) -> None: ...
def recurrent_backward(
    kind: int,
    sizes: NDArray[np.int64],
    w_ih: NDArray[_F],
    w_hh: NDArray[_F],
    gates: NDArray[_F],
    before: NDArray[_F],
    c_before: NDArray[_F] | None,
    tanh_c: NDArray[_F] | None,
    gy: NDArray[_F],
    gh: NDArray[_F],
    gc: NDArray[_F] | None,
    gx: NDArray[_F] | None,
    gv: NDArray[_F],
    gu: NDArray[_F],
    reverse: bool,
) -> None: ...
def rows_products(
    a: NDArray[_F], b: NDArray[_F], out: NDArray[_F], sums: NDArray[np.float64] | None
) -> None: ...
def steps(count: int, stride: int) -> NDArray[np.intp]: ...

__test__: dict[str, str]
