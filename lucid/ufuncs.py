"""What NumPy's element-by-element functions, its *ufuncs*, say when they are given a tensor.

NumPy asks the tensor what to do. An operator with a number of NumPy's, ``np.float64(2) * x``, is
such a call, too, and computes what ``2 * x`` does. ``np.exp(x)`` is refused, for it would leave the
graph behind without a word; ``lucid.exp(x)`` keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lucid import ops
from lucid.autograd import is_tensor

__all__ = ["of_tensors"]

OPERATORS: dict[np.ufunc, Callable[[Any, Any], Any]] = {
    np.add: ops.add,
    np.subtract: ops.sub,
    np.multiply: ops.mul,
    np.divide: ops.div,
    np.floor_divide: ops.floor_divide,
    np.remainder: ops.remainder,
    np.power: ops.pow,
    np.matmul: ops.matmul,
    np.bitwise_and: ops.bitwise_and,
    np.bitwise_or: ops.bitwise_or,
    np.bitwise_xor: ops.bitwise_xor,
    np.equal: ops.eq,
    np.not_equal: ops.ne,
    np.less: ops.lt,
    np.less_equal: ops.le,
    np.greater: ops.gt,
    np.greater_equal: ops.ge,
}

#: What is called otherwise here.
NAMES = {
    "absolute": "abs",
    "arccos": "acos",
    "arcsin": "asin",
    "arctan": "atan",
    "arctan2": "atan2",
    "negative": "neg",
    "conjugate": "clone",
    "invert": "bitwise_not",
}


def of_tensors(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: Any) -> Any:
    """The result of an operator; a TypeError, which names lucid's function, for all else."""
    if ufunc in OPERATORS and method == "__call__" and not options:
        # In a comparison, NumPy hands its number over as an array without axes.
        a, b = [v[()] if isinstance(v, np.ndarray) and not v.ndim else v for v in inputs]
        return OPERATORS[ufunc](a, b)
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    own = NAMES.get(name, name)
    # Numbers are written out; tensors and arrays are called x, y, z and so on.
    names = [
        str(v) if isinstance(v, int | float) and np.isfinite(float(v)) else letter
        for letter, v in zip("xyzuvwabcdefgh", inputs, strict=False)
    ]
    given, arrays = list(names), list(names)
    for i, v in enumerate(inputs):
        if is_tensor(v):
            arrays[i] += ".detach().numpy()"
        elif isinstance(v, np.ndarray) and v.ndim:
            given[i] = f"lucid.from_numpy({names[i]})"
    code = f"np.{name}({', '.join(arrays)})"
    if "out" in options:
        code = "lucid.from_numpy(array)"
    elif own in ops.__all__:
        code = f"lucid.{own}({', '.join(given)})\n  or:  {code}    # without the graph"
    raise TypeError(f"np.{name} computes with arrays, and was given a tensor\n  try: {code}")
