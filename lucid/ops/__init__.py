"""All ops. One op in one place: formula, forward, backward and docstring on one screen.

In the order in which they build on one another:

    shape.py index.py join.py     moving numbers about
    rows.py                       weighted sums of a few inputs of the same row
    repeat.py                     repetitions, windows
    convert.py                    copies, other dtypes, other libraries
    broadcast.py together.py      where two operands meet, or several
    compare.py                    comparisons
    choosing.py mask.py           choosing by them
    scatter.py                    writing to places of a copy
    elementwise.py unary.py       functions of each number; angles.py special.py: more of them;
                                  smooth.py: what those with a kernel share
    arithmetic.py                 the operators
    reduce.py extreme.py          sums and means; the largest and the smallest
    scan.py                       running products, differences
    sort.py size.py quantile.py   numbers in order; norms; the middle
    counting.py                   how often, and where
    softmax.py                    scores as probabilities
    rectifier.py activation.py    activations with a corner, and smooth ones; normal.py for gelu
    linalg.py matrix.py einsum.py matrix multiplication, diagonals, sums of products
    conv.py conv_transpose.py     conv1d, and the other way
    pool.py max_pool.py           pooling
    pad.py interpolate.py         longer and shorter signals
    layer_norm.py norm.py         normalization: of each sample by itself, and with others
    dropout.py embedding.py       dropping at random; looking up rows of a table
    recurrent.py                  a state that goes from step to step
    loss.py loss_*.py             losses: of numbers, classes, probabilities
    create.py create_new.py       making tensors; window.py
    sample.py draw.py             random ones
    checks.py printing.py         what ops share, and how a tensor is written
    spelling.py                   NumPy's names of options
"""

from lucid.ops.activation import gelu, glu, logsigmoid, mish, silu, softplus, softsign
from lucid.ops.angles import (
    acos,
    asin,
    atan,
    cosh,
    sinh,
    tan,
)
from lucid.ops.arithmetic import add, div, mul, neg, pow, sub
from lucid.ops.broadcast import expand, raw
from lucid.ops.choosing import clamp, clip, maximum, minimum, where
from lucid.ops.compare import (
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    eq,
    ge,
    gt,
    isfinite,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    ne,
)
from lucid.ops.conv import conv1d
from lucid.ops.conv_transpose import conv_transpose1d
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
from lucid.ops.counting import (
    bincount,
    bucketize,
    count_nonzero,
    histc,
    isin,
    nonzero,
    searchsorted,
    unique,
)
from lucid.ops.create import (
    arange,
    as_tensor,
    empty,
    eye,
    from_numpy,
    full,
    linspace,
    ones,
    tensor,
    zeros,
)
from lucid.ops.create_like import empty_like, full_like, ones_like, zeros_like
from lucid.ops.create_new import (
    new_empty,
    new_full,
    new_ones,
    new_tensor,
    new_zeros,
)
from lucid.ops.draw import (
    bernoulli,
    multinomial,
    normal,
)
from lucid.ops.dropout import alpha_dropout, dropout, dropout1d
from lucid.ops.einsum import einsum
from lucid.ops.elementwise import abs, exp, log, relu, sigmoid, sign, sqrt, tanh
from lucid.ops.embedding import embedding, one_hot
from lucid.ops.extreme import amax, amin, argmax, argmin, max, min
from lucid.ops.index import as_index, gather, getitem, index_select, narrow, select
from lucid.ops.interpolate import interpolate
from lucid.ops.join import cat, chunk, split, stack, unbind
from lucid.ops.layer_norm import group_norm, layer_norm, rms_norm
from lucid.ops.linalg import bmm, matmul, mm
from lucid.ops.loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from lucid.ops.loss_classes import cross_entropy, nll_loss
from lucid.ops.loss_probabilities import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    kl_div,
)
from lucid.ops.mask import allclose, equal, isclose, isinf, masked_fill, masked_select, tril, triu
from lucid.ops.matrix import (
    diag,
    diagonal,
    dot,
    mv,
    outer,
    trace,
)
from lucid.ops.max_pool import adaptive_max_pool1d, max_pool1d, max_unpool1d
from lucid.ops.norm import batch_norm, instance_norm
from lucid.ops.pad import pad
from lucid.ops.pool import adaptive_avg_pool1d, avg_pool1d, lp_pool1d
from lucid.ops.printing import tensor_repr
from lucid.ops.quantile import (
    median,
    nanmean,
    nansum,
    quantile,
)
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
from lucid.ops.reduce import all, any, cumsum, mean, prod, std, sum, var
from lucid.ops.repeat import repeat, repeat_interleave, roll, tile, unfold
from lucid.ops.sample import rand, rand_like, randint, randint_like, randn, randn_like, randperm
from lucid.ops.scan import (
    cumprod,
    diff,
)
from lucid.ops.scatter import (
    index_add,
    scatter,
    scatter_add,
)
from lucid.ops.several import addcdiv, addcmul, hypot, lerp, logaddexp, xlogy
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
from lucid.ops.special import erf, erfc, exp2, frac, logit, nan_to_num, sinc
from lucid.ops.together import (
    broadcast_tensors,
    broadcast_to,
    hstack,
    meshgrid,
    vstack,
)
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
from lucid.ops.window import (
    hamming_window,
    hann_window,
)

__all__ = [
    "abs", "acos", "adaptive_avg_pool1d", "adaptive_max_pool1d", "add", "addcdiv", "addcmul", "all",
    "allclose", "alpha_dropout", "amax", "amin", "any", "arange", "argmax", "argmin", "argsort",
    "as_index", "as_tensor", "asin", "atan", "atan2", "avg_pool1d", "batch_norm", "bernoulli",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "bincount", "bitwise_and",
    "bitwise_not", "bitwise_or", "bitwise_xor", "bmm", "bool", "broadcast_tensors", "broadcast_to",
    "bucketize", "cat", "ceil", "celu", "chunk", "clamp", "clip", "clone", "contiguous", "conv1d",
    "conv_transpose1d", "cos", "cosh", "count_nonzero", "cross_entropy", "cumprod", "cumsum",
    "diag", "diagonal", "diff", "div", "dot", "double", "dropout", "dropout1d", "einsum", "elu",
    "embedding", "empty", "empty_like", "eq", "equal", "erf", "erfc", "exp", "exp2", "expand",
    "expm1", "eye", "flatten", "flip", "float", "floor", "floor_divide", "frac", "from_dlpack",
    "from_numpy", "full", "full_like", "gather", "ge", "gelu", "getitem", "glu", "group_norm", "gt",
    "hamming_window", "hann_window", "hardsigmoid", "hardswish", "hardtanh", "histc", "hstack",
    "huber_loss", "hypot", "index_add", "index_select", "instance_norm", "int", "interpolate",
    "isclose", "isfinite", "isin", "isinf", "isnan", "kl_div", "l1_loss", "layer_norm", "le",
    "leaky_relu", "lerp", "linspace", "log", "log10", "log1p", "log2", "log_softmax", "logaddexp",
    "logical_and", "logical_not", "logical_or", "logical_xor", "logit", "logsigmoid", "logsumexp",
    "long", "lp_pool1d", "lt", "masked_fill", "masked_select", "matmul", "max", "max_pool1d",
    "max_unpool1d", "maximum", "mean", "median", "meshgrid", "min", "minimum", "mish", "mm",
    "movedim", "mse_loss", "mul", "multinomial", "mv", "nan_to_num", "nanmean", "nansum", "narrow",
    "ne", "neg", "new_empty", "new_full", "new_ones", "new_tensor", "new_zeros", "nll_loss",
    "nonzero", "norm", "normal", "one_hot", "ones", "ones_like", "outer", "pad", "permute", "pow",
    "prelu", "prod", "quantile", "rand", "rand_like", "randint", "randint_like", "randn",
    "randn_like", "randperm", "raw", "reciprocal", "relu", "relu6", "remainder", "repeat",
    "repeat_interleave", "reshape", "rms_norm", "roll", "round", "rsqrt", "scatter", "scatter_add",
    "searchsorted", "select", "selu", "sigmoid", "sign", "silu", "sin", "sinc", "sinh",
    "smooth_l1_loss", "softmax", "softplus", "softsign", "sort", "split", "sqrt", "square",
    "squeeze", "stack", "std", "sub", "sum", "tan", "tanh", "tensor", "tensor_repr", "tile", "to",
    "to_array", "to_dlpack", "to_numpy", "topk", "trace", "transpose", "tril", "triu", "trunc",
    "unbind", "unflatten", "unfold", "unique", "unsqueeze", "var", "vstack", "where", "xlogy",
    "zeros", "zeros_like",
]  # fmt: skip
