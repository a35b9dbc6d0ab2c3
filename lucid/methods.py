"""The ops as operators and methods of a tensor: ``a + b`` is ``lucid.add(a, b)``.

Each name is bound to the op itself, so that ``help(x.exp)`` shows its formula and its example. What
an op computes, and how its gradient follows, is defined in ``lucid/ops``.
"""

from __future__ import annotations

from numbers import Number
from typing import Any, cast

import numpy as np

from lucid import ops
from lucid.autograd import is_tensor


def comparable(value: object) -> bool:
    """Whether a tensor can be compared with it: ``x == None`` is False, as for any object."""
    return is_tensor(value) or isinstance(value, Number | np.bool_ | np.ndarray)


class OpMethods:
    """What every tensor can be asked to compute."""

    __slots__ = ()

    __add__ = ops.add
    __sub__ = ops.sub
    __mul__ = ops.mul
    __truediv__ = ops.div
    __pow__ = ops.pow
    __matmul__ = ops.matmul
    __floordiv__ = ops.floor_divide
    __mod__ = ops.remainder
    __neg__ = ops.neg
    __abs__ = ops.abs
    __invert__ = ops.bitwise_not
    __and__ = ops.bitwise_and
    __or__ = ops.bitwise_or
    __xor__ = ops.bitwise_xor
    __lt__ = ops.lt
    __le__ = ops.le
    __gt__ = ops.gt
    __ge__ = ops.ge
    __getitem__ = ops.getitem

    def __eq__(self, other: object) -> Any:  # elementwise, not a bool
        return ops.eq(cast(Any, self), other) if comparable(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return ops.ne(cast(Any, self), other) if comparable(other) else NotImplemented

    __hash__ = object.__hash__  # by identity: tensors are keys of the optimizers' state

    add = ops.add
    sub = ops.sub
    mul = ops.mul
    div = ops.div
    pow = ops.pow
    neg = ops.neg
    abs = ops.abs
    exp = ops.exp
    log = ops.log
    sqrt = ops.sqrt
    tanh = ops.tanh
    sigmoid = ops.sigmoid
    relu = ops.relu
    sign = ops.sign
    square = ops.square
    reciprocal = ops.reciprocal
    rsqrt = ops.rsqrt
    log1p = ops.log1p
    log2 = ops.log2
    log10 = ops.log10
    expm1 = ops.expm1
    sin = ops.sin
    cos = ops.cos
    atan2 = ops.atan2
    floor = ops.floor
    ceil = ops.ceil
    trunc = ops.trunc
    round = ops.round
    clamp = ops.clamp
    clip = ops.clip
    maximum = ops.maximum
    minimum = ops.minimum
    eq = ops.eq
    ne = ops.ne
    lt = ops.lt
    le = ops.le
    gt = ops.gt
    ge = ops.ge
    logical_not = ops.logical_not
    logical_and = ops.logical_and
    logical_or = ops.logical_or
    bitwise_not = ops.bitwise_not
    bitwise_and = ops.bitwise_and
    bitwise_or = ops.bitwise_or
    isnan = ops.isnan
    isfinite = ops.isfinite
    isinf = ops.isinf
    isclose = ops.isclose
    allclose = ops.allclose
    equal = ops.equal
    masked_fill = ops.masked_fill
    masked_select = ops.masked_select
    tril = ops.tril
    triu = ops.triu
    matmul = ops.matmul
    floor_divide = ops.floor_divide
    remainder = ops.remainder
    bmm = ops.bmm
    mm = ops.mm
    sum = ops.sum
    mean = ops.mean
    var = ops.var
    std = ops.std
    prod = ops.prod
    amax = ops.amax
    amin = ops.amin
    max = ops.max
    min = ops.min
    argmax = ops.argmax
    argmin = ops.argmin
    any = ops.any
    all = ops.all
    cumsum = ops.cumsum
    norm = ops.norm
    logsumexp = ops.logsumexp
    sort = ops.sort
    argsort = ops.argsort
    topk = ops.topk
    softmax = ops.softmax
    log_softmax = ops.log_softmax
    reshape = ops.reshape
    flatten = ops.flatten
    unflatten = ops.unflatten
    transpose = ops.transpose
    permute = ops.permute
    squeeze = ops.squeeze
    unsqueeze = ops.unsqueeze
    expand = ops.expand
    flip = ops.flip
    split = ops.split
    movedim = ops.movedim
    index_select = ops.index_select
    narrow = ops.narrow
    select = ops.select
    chunk = ops.chunk
    unbind = ops.unbind
    repeat = ops.repeat
    tile = ops.tile
    repeat_interleave = ops.repeat_interleave
    roll = ops.roll
    unfold = ops.unfold
    gather = ops.gather
    clone = ops.clone
    contiguous = ops.contiguous
    to = ops.to
    double = ops.double
    long = ops.long
    float = ops.float
    int = ops.int
    bool = ops.bool

    acos = ops.acos
    addcdiv = ops.addcdiv
    addcmul = ops.addcmul
    asin = ops.asin
    atan = ops.atan
    bernoulli = ops.bernoulli
    bincount = ops.bincount
    bitwise_xor = ops.bitwise_xor
    broadcast_to = ops.broadcast_to
    cosh = ops.cosh
    count_nonzero = ops.count_nonzero
    cumprod = ops.cumprod
    diag = ops.diag
    diagonal = ops.diagonal
    diff = ops.diff
    dot = ops.dot
    erf = ops.erf
    erfc = ops.erfc
    exp2 = ops.exp2
    frac = ops.frac
    histc = ops.histc
    hypot = ops.hypot
    index_add = ops.index_add
    lerp = ops.lerp
    logaddexp = ops.logaddexp
    logical_xor = ops.logical_xor
    logit = ops.logit
    median = ops.median
    multinomial = ops.multinomial
    mv = ops.mv
    nan_to_num = ops.nan_to_num
    nanmean = ops.nanmean
    nansum = ops.nansum
    new_empty = ops.new_empty
    new_full = ops.new_full
    new_ones = ops.new_ones
    new_tensor = ops.new_tensor
    new_zeros = ops.new_zeros
    nonzero = ops.nonzero
    outer = ops.outer
    quantile = ops.quantile
    scatter = ops.scatter
    scatter_add = ops.scatter_add
    sinc = ops.sinc
    sinh = ops.sinh
    tan = ops.tan
    trace = ops.trace
    unique = ops.unique
    xlogy = ops.xlogy

    numpy = ops.to_numpy
    __array__ = ops.to_array
    __dlpack__ = ops.to_dlpack

    def __dlpack_device__(self) -> tuple[Any, Any]:
        return 1, 0  # the CPU
