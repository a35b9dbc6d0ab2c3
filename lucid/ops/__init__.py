"""All ops. One op in one place: formula, forward, backward and docstring on one screen.

In the order in which they build on one another:

    rows.py                       weighted sums of a few inputs of the same row
    shape.py index.py join.py     moving numbers about
    repeat.py                     repetitions, windows
    convert.py                    copies, and other dtypes
    broadcast.py                  where two operands meet
    compare.py mask.py            comparisons, and choosing by them
    elementwise.py unary.py       functions of each number
    arithmetic.py                 the operators
    reduce.py extreme.py          sums and means; the largest and the smallest
    sort.py size.py               numbers in order; norms
    softmax.py                    scores as probabilities
    linalg.py einsum.py conv.py   matrix multiplication, sums of products, conv1d
    pool.py max_pool.py           pooling
    pad.py interpolate.py         longer and shorter signals
    norm.py loss.py               normalization, losses
    create.py sample.py           making tensors, random ones too
    checks.py printing.py         what ops share, and how a tensor is written
"""

from lucid.ops.arithmetic import add, div, mul, neg, pow, sub
from lucid.ops.broadcast import expand, raw
from lucid.ops.compare import (
    bitwise_and,
    bitwise_not,
    bitwise_or,
    clamp,
    clip,
    eq,
    ge,
    gt,
    isfinite,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    lt,
    maximum,
    minimum,
    ne,
    where,
)
from lucid.ops.conv import conv1d
from lucid.ops.convert import bool, clone, contiguous, double, float, int, long, to
from lucid.ops.create import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from lucid.ops.einsum import einsum
from lucid.ops.elementwise import abs, exp, log, relu, sigmoid, sign, sqrt, tanh
from lucid.ops.extreme import amax, amin, argmax, argmin, max, min
from lucid.ops.index import as_index, gather, getitem, index_select, narrow, select
from lucid.ops.interpolate import interpolate
from lucid.ops.join import cat, chunk, split, stack, unbind
from lucid.ops.linalg import bmm, matmul, mm
from lucid.ops.loss import cross_entropy, mse_loss, nll_loss
from lucid.ops.mask import (
    allclose,
    equal,
    isclose,
    isinf,
    masked_fill,
    masked_select,
    tril,
    triu,
)
from lucid.ops.max_pool import adaptive_max_pool1d, max_pool1d, max_unpool1d
from lucid.ops.norm import batch_norm
from lucid.ops.pad import pad
from lucid.ops.pool import adaptive_avg_pool1d, avg_pool1d, lp_pool1d
from lucid.ops.printing import tensor_repr
from lucid.ops.reduce import all, any, cumsum, mean, prod, std, sum, var
from lucid.ops.repeat import repeat, repeat_interleave, roll, tile, unfold
from lucid.ops.sample import rand, rand_like, randint, randint_like, randn, randn_like, randperm
from lucid.ops.shape import (
    flatten,
    flip,
    movedim,
    permute,
    reshape,
    squeeze,
    transpose,
    unflatten,
    unsqueeze,
)
from lucid.ops.size import logsumexp, norm
from lucid.ops.softmax import log_softmax, softmax
from lucid.ops.sort import argsort, sort, topk
from lucid.ops.unary import (
    atan2,
    ceil,
    cos,
    expm1,
    floor,
    floor_divide,
    log1p,
    log2,
    log10,
    reciprocal,
    remainder,
    round,
    rsqrt,
    sin,
    square,
    trunc,
)

__all__ = [
    "abs", "adaptive_avg_pool1d", "adaptive_max_pool1d", "add", "all", "allclose", "amax", "amin",
    "any", "arange", "argmax", "argmin", "argsort", "as_index", "as_tensor", "atan2", "avg_pool1d",
    "batch_norm", "bitwise_and", "bitwise_not", "bitwise_or", "bmm", "bool", "cat", "ceil", "chunk",
    "clamp", "clip", "clone", "contiguous", "conv1d", "cos", "cross_entropy", "cumsum", "div",
    "double", "einsum", "empty", "empty_like", "eq", "equal", "exp", "expand", "expm1", "eye",
    "flatten", "flip", "float", "floor", "floor_divide", "from_numpy", "full", "full_like",
    "gather", "ge", "getitem", "gt", "index_select", "int", "interpolate", "isclose", "isfinite",
    "isinf", "isnan", "le", "linspace", "log", "log10", "log1p", "log2", "log_softmax",
    "logical_and", "logical_not", "logical_or", "logsumexp", "long", "lp_pool1d", "lt",
    "masked_fill", "masked_select", "matmul", "max", "max_pool1d", "max_unpool1d", "maximum",
    "mean", "min", "minimum", "mm", "movedim", "mse_loss", "mul", "narrow", "ne", "neg", "nll_loss",
    "norm", "ones", "ones_like", "pad", "permute", "pow", "prod", "rand", "rand_like", "randint",
    "randint_like", "randn", "randn_like", "randperm", "raw", "reciprocal", "relu", "remainder",
    "repeat", "repeat_interleave", "reshape", "roll", "round", "rsqrt", "select", "sigmoid", "sign",
    "sin", "softmax", "sort", "split", "sqrt", "square", "squeeze", "stack", "std", "sub", "sum",
    "tanh", "tensor", "tensor_repr", "tile", "to", "topk", "transpose", "tril", "triu", "trunc",
    "unbind", "unflatten", "unfold", "unsqueeze", "var", "where", "zeros", "zeros_like",
]  # fmt: skip
