"""All ops. One op in one place: formula, forward, backward and docstring on one screen.

In the order in which they build on one another:

    shape.py index.py join.py     moving numbers about
    convert.py                    copies, and other dtypes
    broadcast.py                  where two operands meet
    compare.py                    comparisons, and choosing by them
    elementwise.py arithmetic.py  functions of each number, and the operators
    reduce.py extreme.py          sums and means; the largest and the smallest
    softmax.py                    scores as probabilities
    linalg.py conv.py pool.py     matrix multiplication, conv1d, pooling
    conv_transpose.py             conv1d the other way
    norm.py layer_norm.py         normalization: with others, and of each sample by itself
    loss.py                       losses
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
from lucid.ops.conv_transpose import conv_transpose1d
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
from lucid.ops.elementwise import abs, exp, log, relu, sigmoid, sign, sqrt, tanh
from lucid.ops.extreme import amax, amin, argmax, argmin, max, min
from lucid.ops.index import as_index, gather, getitem
from lucid.ops.join import cat, split, stack
from lucid.ops.layer_norm import group_norm, layer_norm, rms_norm
from lucid.ops.linalg import matmul
from lucid.ops.loss import cross_entropy, mse_loss, nll_loss
from lucid.ops.norm import batch_norm, instance_norm
from lucid.ops.pool import adaptive_avg_pool1d, max_pool1d
from lucid.ops.printing import tensor_repr
from lucid.ops.reduce import all, any, mean, prod, std, sum, var
from lucid.ops.sample import rand, rand_like, randint, randint_like, randn, randn_like, randperm
from lucid.ops.shape import flatten, flip, permute, reshape, squeeze, transpose, unsqueeze
from lucid.ops.softmax import log_softmax, softmax

__all__ = [
    "abs", "adaptive_avg_pool1d", "add", "all", "amax", "amin", "any", "arange", "argmax", "argmin",
    "as_index", "as_tensor", "batch_norm", "bitwise_and", "bitwise_not", "bitwise_or", "bool",
    "cat", "clamp", "clip", "clone", "contiguous", "conv1d", "conv_transpose1d", "cross_entropy",
    "div", "double", "empty", "empty_like", "eq", "exp", "expand", "eye", "flatten", "flip",
    "float", "from_numpy", "full", "full_like", "gather", "ge", "group_norm", "getitem", "gt",
    "instance_norm", "int", "isfinite", "isnan", "layer_norm", "le", "linspace", "log",
    "log_softmax", "logical_and", "logical_not", "logical_or", "long", "lt", "matmul", "max",
    "max_pool1d", "maximum", "mean", "min", "minimum", "mse_loss", "mul", "ne", "neg", "nll_loss",
    "ones", "ones_like", "permute", "pow", "prod", "rand", "rand_like", "randint", "randint_like",
    "randn", "randn_like", "randperm", "raw", "relu", "reshape", "rms_norm", "sigmoid", "sign",
    "softmax", "split", "sqrt", "squeeze", "stack", "std", "sub", "sum", "tanh", "tensor",
    "tensor_repr", "to", "transpose", "unsqueeze", "var", "where", "zeros", "zeros_like",
]  # fmt: skip
