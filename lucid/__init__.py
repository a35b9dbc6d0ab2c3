"""lucid: deep learning on one-dimensional signals, readable from end to end.

>>> import lucid
>>> import lucid.nn as nn
>>> model = nn.Sequential(nn.LazyConv1d(8, kernel_size=3, padding=1), nn.ReLU())
>>> model(lucid.zeros(4, 2, 16)).shape
(4, 8, 16)
"""

import importlib
from typing import TYPE_CHECKING

from lucid import autograd, data, nn, optim, utils
from lucid._version import __version__
from lucid.autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from lucid.config import get_num_threads, set_num_threads, show_config
from lucid.errors import AxisError, CheckpointError, ShapeError, UninitializedParameterError
from lucid.io import load, save
from lucid.ops import (
    abs,
    add,
    all,
    allclose,
    amax,
    amin,
    any,
    arange,
    argmax,
    argmin,
    argsort,
    as_tensor,
    atan2,
    bmm,
    cat,
    ceil,
    chunk,
    clamp,
    clip,
    clone,
    cos,
    cumsum,
    div,
    einsum,
    empty,
    empty_like,
    eq,
    equal,
    exp,
    expm1,
    eye,
    flatten,
    flip,
    floor,
    floor_divide,
    from_dlpack,
    from_numpy,
    full,
    full_like,
    gather,
    ge,
    gt,
    index_select,
    isclose,
    isfinite,
    isinf,
    isnan,
    le,
    linspace,
    log,
    log1p,
    log2,
    log10,
    log_softmax,
    logical_and,
    logical_not,
    logical_or,
    logsumexp,
    lt,
    masked_fill,
    masked_select,
    matmul,
    max,
    maximum,
    mean,
    min,
    minimum,
    mm,
    movedim,
    mul,
    narrow,
    ne,
    neg,
    norm,
    ones,
    ones_like,
    permute,
    pow,
    prod,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    reciprocal,
    relu,
    remainder,
    repeat,
    repeat_interleave,
    reshape,
    roll,
    round,
    rsqrt,
    select,
    sigmoid,
    sign,
    sin,
    softmax,
    sort,
    split,
    sqrt,
    square,
    squeeze,
    stack,
    std,
    sub,
    sum,
    tanh,
    tensor,
    tile,
    topk,
    transpose,
    tril,
    triu,
    trunc,
    unbind,
    unflatten,
    unfold,
    unsqueeze,
    var,
    where,
    zeros,
    zeros_like,
)
from lucid.random import Generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from lucid.tensor import Tensor
from lucid.types import (
    DeviceLike,
    DTypeLike,
    bool,
    device,
    dtype,
    float32,
    float64,
    get_default_dtype,
    int32,
    int64,
    set_default_dtype,
    uint8,
)

if TYPE_CHECKING:
    from lucid import check
else:  # who checks nothing does not wait for what checks

    def __getattr__(name: str) -> object:
        if name == "check":
            return importlib.import_module("lucid.check")
        raise AttributeError(f"module 'lucid' has no attribute {name!r}")


__all__ = [
    "AxisError", "CheckpointError", "DTypeLike", "DeviceLike", "Generator", "ShapeError", "Tensor",
    "UninitializedParameterError", "__version__", "abs", "add", "all", "allclose", "amax", "amin",
    "any", "arange", "argmax", "argmin", "argsort", "as_tensor", "atan2", "autograd", "bmm", "bool",
    "cat", "ceil", "chunk", "clamp", "clip", "clone", "cos", "cumsum", "data", "device", "div",
    "dtype", "einsum", "empty", "empty_like", "enable_grad", "eq", "equal", "exp", "expm1", "eye",
    "flatten", "flip", "float32", "float64", "floor", "floor_divide", "from_dlpack", "from_numpy",
    "full", "full_like", "gather", "ge", "get_default_dtype", "get_num_threads", "get_rng_state",
    "gt", "index_select", "initial_seed", "int32", "int64", "is_grad_enabled", "isclose",
    "isfinite", "isinf", "isnan", "le", "linspace", "load", "log", "log10", "log1p", "log2",
    "log_softmax", "logical_and", "logical_not", "logical_or", "logsumexp", "lt", "manual_seed",
    "masked_fill", "masked_select", "matmul", "max", "maximum", "mean", "min", "minimum", "mm",
    "movedim", "mul", "narrow", "ne", "neg", "nn", "no_grad", "norm", "ones", "ones_like", "optim",
    "permute", "pow", "prod", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like",
    "randperm", "reciprocal", "relu", "remainder", "repeat", "repeat_interleave", "reshape", "roll",
    "round", "rsqrt", "save", "seed", "select", "set_default_dtype", "set_grad_enabled",
    "set_num_threads", "set_rng_state", "show_config", "sigmoid", "sign", "sin", "softmax", "sort",
    "split", "sqrt", "square", "squeeze", "stack", "std", "sub", "sum", "tanh", "tensor", "tile",
    "topk", "transpose", "tril", "triu", "trunc", "uint8", "unbind", "unflatten", "unfold",
    "unsqueeze", "utils", "var", "where", "zeros", "zeros_like",
    "check",  # imported when it is first asked for
]  # fmt: skip
