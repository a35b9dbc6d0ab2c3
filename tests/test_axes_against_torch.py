"""Every op along an axis as PyTorch's: of single numbers, empty tensors, and axes of size 1.

Where PyTorch has a result, lucid has the same with the same gradient, or refuses it as ``REFUSED``
tells. Where PyTorch has none, lucid may have one; an error is then one of its own, not NumPy's.
"""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from test_against_torch import torch  # skips without it

import lucid
import lucid.nn.functional as F
from lucid.errors import ShapeError


def places(x, values):
    """An index of whole numbers, for the package that x is of."""
    package = lucid if isinstance(x, lucid.Tensor) else torch
    return package.tensor(values, dtype=package.int64)


def zeros(x):
    return (x * 0).long()


REDUCTIONS = {
    name: lambda x, d, name=name: getattr(x, name)(d)
    for name in (
        "sum", "mean", "var", "std", "any", "all", "amax", "amin", "logsumexp", "nansum", "nanmean",
        "count_nonzero", "prod", "argmax", "argmin", "max", "min", "median",
    )
} | {
    f"{name}, keepdim": lambda x, d, name=name: getattr(x, name)(d, keepdim=True)
    for name in (
        "sum", "mean", "any", "amax", "amin", "nansum", "prod", "argmax", "argmin", "max", "min",
        "median",
    )
}  # fmt: skip
OPS = REDUCTIONS | {
    "var, biased": lambda x, d: x.var(d, unbiased=False),
    "norm": lambda x, d: x.norm(2, d),
    "norm, inf": lambda x, d: x.norm(np.inf, d),
    "norm, 0": lambda x, d: x.norm(0, d),
    "sum, tuple": lambda x, d: x.sum((d,)),
    "sum, no axis named": lambda x, d: x.sum(()),
    "mean, no axis named": lambda x, d: x.mean(()),
    "quantile": lambda x, d: x.quantile(0.3, d),
    "quantile, keepdim": lambda x, d: x.quantile(0.3, d, keepdim=True),
    "quantiles": lambda x, d: x.quantile(x.new_tensor([0.3, 0.5]), d),
    "quantiles, keepdim": lambda x, d: x.quantile(x.new_tensor([0.3, 0.5]), d, keepdim=True),
    "cumsum": lambda x, d: x.cumsum(d),
    "cumprod": lambda x, d: x.cumprod(d),
    "softmax": lambda x, d: x.softmax(d),
    "log_softmax": lambda x, d: x.log_softmax(d),
    "sort": lambda x, d: x.sort(d),
    "sort, descending": lambda x, d: x.sort(d, descending=True),
    "argsort": lambda x, d: x.argsort(d),
    "topk": lambda x, d: x.topk(1, d),
    "topk, 2": lambda x, d: x.topk(2, d),
    "gather": lambda x, d: x.gather(d, zeros(x)),
    "gather, row": lambda x, d: x.gather(d, places(x, [0])),
    "gather, number": lambda x, d: x.gather(d, places(x, 0)),
    "scatter": lambda x, d: x.scatter(d, zeros(x), 3),
    "scatter, tensor": lambda x, d: x.scatter(d, zeros(x), x.detach()),
    "scatter, row": lambda x, d: x.scatter(d, places(x, [0]), x.new_ones(1)),
    "scatter_add": lambda x, d: x.scatter_add(d, zeros(x), x + x),
    "scatter_add, row": lambda x, d: x.scatter_add(d, places(x, [0]), x.new_ones(1)),
    "index_add": lambda x, d: x.index_add(d, places(x, [0]), x.new_ones(1)),
    "index_select": lambda x, d: x.index_select(d, places(x, [0])),
    "index_select, none": lambda x, d: x.index_select(d, places(x, [])),
    "narrow": lambda x, d: x.narrow(d, 0, 1),
    "narrow, none": lambda x, d: x.narrow(d, 0, 0),
    "select": lambda x, d: x.select(d, 0),
    "unbind": lambda x, d: x.unbind(d),
    "split": lambda x, d: x.split(1, d),
    "chunk": lambda x, d: x.chunk(2, d),
    "flip": lambda x, d: x.flip(d),
    "roll": lambda x, d: x.roll(1, d),
    "squeeze": lambda x, d: x.squeeze(d),
    "transpose": lambda x, d: x.transpose(0, d),
    "movedim": lambda x, d: x.movedim(d, 0),
    "flatten": lambda x, d: x.flatten(d),
    "unflatten": lambda x, d: x.unflatten(d, (1, -1)),
    "unsqueeze": lambda x, d: x.unsqueeze(d),
    "diff": lambda x, d: x.diff(dim=d),
    "repeat_interleave": lambda x, d: x.repeat_interleave(2, d),
    "unfold": lambda x, d: x.unfold(d, 1, 1),
    "glu": lambda x, d: (F if isinstance(x, lucid.Tensor) else torch.nn.functional).glu(x, d),
    "unique": lambda x, d: x.detach().unique(dim=d),
    "tril": lambda x, d: x.tril(d),
    "triu": lambda x, d: x.triu(d),
}
NUMBERS = [
    np.array(1.5), np.zeros(0), np.zeros((0, 3)), np.zeros((3, 0)), np.array([2.0]),
    np.array([[-2.0]]), np.array([1.0, 3.0, 2.0]), np.array([[1.0, 0.0, 3.0], [2.0, 5.0, -1.0]]),
]  # fmt: skip
# Names and what is refused there on purpose: see docs/differences.rst.
NO_AXIS = {
    "index_add", "index_select", "flip", "transpose", "movedim", "unfold",
    "gather, row", "scatter, row", "scatter_add, row",
}  # fmt: skip
REFUSED = {
    "a single number has no such axis": lambda name, x, dim: name in NO_AXIS and x.ndim == 0,
    "an index of no axis": lambda name, x, dim: (
        name == "gather, number" and x.shape in {(1,), (3,)}
    ),
    "no such axis": lambda name, x, dim: name == "roll" and not -x.ndim <= dim < x.ndim,
}
# Softmax makes floats of whole numbers, and any and all of uint8 are bools.
OTHER_DTYPE = set(itertools.product(("softmax", "log_softmax"), ("int64", "uint8", "bool"))) | set(
    itertools.product(("any", "all", "any, keepdim"), ["uint8"])
)
OWN_ERRORS = (ValueError, TypeError, RuntimeError, IndexError)


def results(package, op, array, dtype, dim):
    """All outputs as arrays, and the gradient of their weighted sum (None: not recorded)."""
    x = package.from_numpy(array.astype(dtype))
    x = x.requires_grad_() if "float" in dtype else x
    out = op(x, dim)
    outs = list(out) if isinstance(out, tuple) else [out]
    arrays = [o.detach().numpy() for o in outs]
    total = sum(
        (o * package.arange(1, o.numel() + 1).reshape(tuple(o.shape)).to(o.dtype)).sum()
        for o in outs
        if o.requires_grad
    )
    if not isinstance(total, int):
        total.backward()
    return arrays, None if x.grad is None else x.grad.numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool"])
@pytest.mark.parametrize("name", OPS)
def test_op(name, dtype):
    different = []
    for array in NUMBERS:
        if dtype == "uint8" and (array < 0).any():
            continue
        for dim in range(-array.ndim - 1, array.ndim + 1) if array.ndim else (-2, -1, 0, 1):
            problem = difference(name, array, dtype, dim)
            different += [f"{array.shape}, dim {dim}: {problem}"] if problem else []
    assert not different, "\n".join(different)


def difference(name, array, dtype, dim):
    """What lucid has that PyTorch has not, in words; nothing if they agree."""
    refused = any(rule(name, array, dim) for rule in REFUSED.values())
    try:
        with warnings.catch_warnings(action="ignore"):  # "degrees of freedom <= 0"
            theirs, their_grad = results(torch, OPS[name], array, dtype, dim)
    except (RuntimeError, IndexError, NotImplementedError, ValueError, TypeError):
        theirs = None
    try:
        ours, our_grad = results(lucid, OPS[name], array, dtype, dim)
    except OWN_ERRORS as error:
        if isinstance(error, np.exceptions.AxisError) or "tuple index" in str(error):
            return f"no error of lucid's: {error!r}"
        if refused:
            return "" if isinstance(error, ShapeError) else f"another error: {error!r}"
        return "" if theirs is None else f"{error!r}, PyTorch {theirs}"
    if theirs is None:
        return ""
    if refused:
        return "not refused"
    if (name, dtype) in OTHER_DTYPE:
        theirs = [b.astype(a.dtype) for a, b in zip(ours, theirs, strict=True)]
    grads = [g for g in (our_grad, their_grad) if g is not None]
    pairs = list(itertools.zip_longest(ours, theirs)) + ([(grads[0], grads[-1])] if grads else [])
    if len(grads) == 1:  # of none, PyTorch makes zeros
        pairs.append((grads[0], np.zeros_like(grads[0])))
    for a, b in pairs:
        if a is None or b is None or (a.dtype, a.shape) != (b.dtype, b.shape):
            return f"{a!r}, PyTorch {b!r}"
        if not np.allclose(a, b, 1e-5, 1e-6, equal_nan=True):
            return f"{a!r}, PyTorch {b!r}"
    return ""


def test_an_empty_axis_has_no_places():
    with pytest.raises(
        IndexError, match=r"index_select looks up no place along axis 0 of \(0, 3\)"
    ):
        lucid.zeros(0, 3).index_select(0, lucid.tensor([0]))


@pytest.mark.parametrize("name", ["amin", "amax"])
def test_bools_to_choose_from(name):
    with pytest.raises(ShapeError, match="no number to choose from"):
        getattr(lucid.zeros(0, 3, dtype=lucid.bool), name)(0)
