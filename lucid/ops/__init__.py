"""All ops. One op in one place: formula, forward, backward and docstring on one screen.

In the order in which they build on one another:

    shape.py index.py join.py     moving numbers about
    convert.py                    copies, and other dtypes
    broadcast.py                  where two operands meet
    compare.py                    comparisons, and choosing by them
    elementwise.py arithmetic.py  functions of each number, and the operators
    reduce.py extreme.py          sums and means; the largest and the smallest
    softmax.py                    scores as probabilities
    rectifier.py activation.py    activations with a corner, and smooth ones; normal.py for gelu
    linalg.py conv.py pool.py     matrix multiplication, conv1d, pooling
    norm.py dropout.py            normalization, dropping at random
    embedding.py                  looking up rows of a table
    loss.py loss_*.py             losses: of numbers, classes, probabilities
    create.py sample.py           making tensors, random ones too
    checks.py printing.py         what ops share, and how a tensor is written
"""

from lucid.ops.activation import gelu, glu, logsigmoid, mish, silu, softplus, softsign
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
from lucid.ops.convert import (
    bool,
    clone,
    contiguous,
    double,
    float,
    from_dlpack,
    int,
    long,
    to,
    to_array,
    to_dlpack,
    to_numpy,
)
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
from lucid.ops.dropout import alpha_dropout, dropout, dropout1d
from lucid.ops.elementwise import abs, exp, log, relu, sigmoid, sign, sqrt, tanh
from lucid.ops.embedding import embedding
from lucid.ops.extreme import amax, amin, argmax, argmin, max, min
from lucid.ops.index import as_index, gather, getitem
from lucid.ops.join import cat, split, stack
from lucid.ops.linalg import matmul
from lucid.ops.loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from lucid.ops.loss_classes import cross_entropy, nll_loss
from lucid.ops.loss_probabilities import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    kl_div,
)
from lucid.ops.norm import batch_norm
from lucid.ops.pool import adaptive_avg_pool1d, max_pool1d
from lucid.ops.printing import tensor_repr
from lucid.ops.rectifier import (
    celu,
    elu,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    prelu,
    relu6,
    selu,
)
from lucid.ops.reduce import all, any, mean, prod, std, sum, var
from lucid.ops.sample import rand, rand_like, randint, randint_like, randn, randn_like, randperm
from lucid.ops.shape import (
    flatten,
    flip,
    permute,
    reshape,
    squeeze,
    transpose,
    unflatten,
    unsqueeze,
)
from lucid.ops.softmax import log_softmax, softmax

__all__ = [
    "abs", "adaptive_avg_pool1d", "add", "all", "alpha_dropout", "amax", "amin", "any", "arange",
    "argmax", "argmin", "as_index", "as_tensor", "batch_norm", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "bitwise_and", "bitwise_not", "bitwise_or", "bool", "cat",
    "celu", "clamp", "clip", "clone", "contiguous", "conv1d", "cross_entropy", "div", "double",
    "dropout", "dropout1d", "elu", "embedding", "empty", "empty_like", "eq", "exp", "expand", "eye",
    "flatten", "flip", "float", "from_dlpack", "from_numpy", "full", "full_like", "gather", "ge",
    "gelu", "getitem", "glu", "gt", "hardsigmoid", "hardswish", "hardtanh", "huber_loss", "int",
    "isfinite", "isnan", "kl_div", "l1_loss", "le", "leaky_relu", "linspace", "log", "log_softmax",
    "logical_and", "logical_not", "logical_or", "logsigmoid", "long", "lt", "matmul", "max",
    "max_pool1d", "maximum", "mean", "min", "minimum", "mish", "mse_loss", "mul", "ne", "neg",
    "nll_loss", "ones", "ones_like", "permute", "pow", "prelu", "prod", "rand", "rand_like",
    "randint", "randint_like", "randn", "randn_like", "randperm", "raw", "relu", "relu6", "reshape",
    "selu", "sigmoid", "sign", "silu", "smooth_l1_loss", "softmax", "softplus", "softsign", "split",
    "sqrt", "squeeze", "stack", "std", "sub", "sum", "tanh", "tensor", "tensor_repr", "to",
    "to_array", "to_dlpack", "to_numpy", "transpose", "unflatten", "unsqueeze", "var", "where",
    "zeros", "zeros_like",
]  # fmt: skip
