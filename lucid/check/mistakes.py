"""Known mistakes, each as what the gradient would be if it had been made.

The evidence is a pair of Jacobians of one output with respect to one input: ``numeric``, by finite
differences, which is right, and ``analytic``, by the student's backward, which is wrong. A mistake
turns the right one into a prediction; only if this is the wrong one, number for number, the mistake
is named. Where the right one does not tell (outside of a border, say), nothing is predicted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np

from lucid.check.differences import Tolerance
from lucid.types import Array

__all__ = ["MISTAKES", "Pair"]


class Pair(NamedTuple):
    """The Jacobians of one output with respect to one input, as (output numbers, input numbers)."""

    name: str  # of the input
    output: str
    analytic: Array
    numeric: Array
    out_shape: tuple[int, ...]  # () if only a weighted sum of the outputs is known
    in_shape: tuple[int, ...]
    tolerance: Tolerance

    def agrees(self, predicted: Array) -> Array:
        """Where the analytic Jacobian is the predicted one."""
        with np.errstate(invalid="ignore"):
            close = np.abs(self.analytic - predicted) <= self.tolerance.of(predicted)
        return np.asarray(close)

    def fits(self, predicted: Array, known: Array | None = None) -> bool:
        """Whether a prediction is right wherever it is made, and says something there."""
        said = np.ones(predicted.shape, bool) if known is None else known
        nothing = np.abs(predicted) <= self.tolerance.atol
        return not (~self.agrees(predicted) & said).any() and not (nothing | ~said).all()

    def grid(self, jacobian: Array) -> Array:
        """The Jacobian with the axes of the output, then those of the input."""
        return jacobian.reshape(self.out_shape + self.in_shape)


def not_finite(pair: Pair) -> Iterator[str]:
    """nan or inf where the slope is an ordinary number."""
    bad = ~np.isfinite(pair.analytic) & np.isfinite(pair.numeric)
    if bad.any():
        kind = "nan" if np.isnan(pair.analytic[bad]).any() else "inf"
        yield (
            f"the gradient of {pair.name} has {kind} where the slope is finite\n"
            "  try: look for 0/0, log(0), inf - inf or a division by a square root of 0 in backward"
        )


def nothing_arrives(pair: Pair) -> Iterator[str]:
    """analytic = 0"""
    if not pair.analytic.any():
        yield (
            f"no gradient arrives at {pair.name}, though {pair.output} depends on it\n"
            "  try: look for .detach(), .item(), .numpy(), no_grad or sign and rounding on the way "
            "there, and for a backward that returns None or zeros"
        )


def passed_on(pair: Pair) -> Iterator[str]:
    """analytic = 1 on the diagonal, where numeric is something else"""
    if pair.in_shape != pair.out_shape or pair.numeric.size < 2:
        return
    one = np.eye(len(pair.numeric))
    if not (pair.numeric * (1 - one)).any() and pair.fits(one):
        yield (
            f"local derivative missing: {pair.name} gets the gradient of {pair.output} unchanged\n"
            "  try: multiply by the derivative of the function (chain rule)"
        )
        return
    alone = pair.analytic.any() and not (pair.analytic * (1 - one)).any()
    if alone and not pair.agrees(pair.numeric * (1 - one) + pair.analytic * one).all():
        yield (
            f"diagonal only: backward lets each number of {pair.name} act on its own number of "
            f"{pair.output} only, and it acts on others, too\n"
            "  try: what forward computes from many numbers (a sum, a mean, a variance) depends on "
            "each; for y = softmax(x): y * (grad - (grad * y).sum(dim, keepdim=True))"
        )


def scaled(pair: Pair) -> Iterator[str]:
    """analytic = c * numeric, with one c for all"""
    place = np.unravel_index(np.abs(pair.numeric).argmax(), pair.numeric.shape)
    with np.errstate(all="ignore"):
        factor = float(pair.analytic[place] / pair.numeric[place])
    if not np.isfinite(factor) or factor == 0 or not pair.fits(factor * pair.numeric):
        return
    if np.isclose(factor, -1, rtol=1e-3):
        yield (
            f"the sign: the gradient of {pair.name} is -1 times what it should be\n"
            "  try: look for a minus lost or doubled (a - b has slope -1 for b, 1/x has -1/x**2)"
        )
        return
    about = {
        2.0: "factor 2: the gradient of {} is twice what it should be\n"
        "  try: is it counted twice, or is a 1/2 of the forward pass missing in backward?",
        0.5: "factor 2: the gradient of {} is half of what it should be\n"
        "  try: x**2 has the slope 2x; of an input used twice, as in x * x, both uses count",
    }
    for known, text in about.items():
        if np.isclose(factor, known, rtol=1e-3):
            yield text.format(pair.name)
    yield from scaled_by_count(pair, factor)
    if not (
        any(np.isclose(factor, k, rtol=1e-3) for k in about) or [*scaled_by_count(pair, factor)]
    ):
        yield (
            f"a factor: the gradient of {pair.name} is {factor:.4g} times what it should be, "
            "everywhere\n  try: look for a constant that forward and backward do not share"
        )


def scaled_by_count(pair: Pair, factor: float) -> Iterator[str]:
    """The mean in place of the sum, or the sum in place of the mean."""
    counts: dict[int, str] = {}
    for owner, shape in ((pair.output, pair.out_shape), (pair.name, pair.in_shape)):
        if owner == pair.name and len(pair.in_shape) <= len(pair.out_shape):
            continue  # nothing of it was averaged away
        for k in range(1, len(shape) + 1):
            for axes in combinations(range(len(shape)), k):
                count = int(np.prod([shape[i] for i in axes]))
                counts.setdefault(count, f"the size of {axis_names(axes)} of {owner}")
    for count, what in counts.items():
        if count > 1 and np.isclose(factor * count, 1, rtol=1e-3):
            yield (
                f"mean in place of sum: the gradient of {pair.name} is 1/{count} of what it should "
                f"be, and {count} is {what}\n"
                "  try: sum over the samples and positions; divide only if forward does"
            )
        if count > 1 and np.isclose(factor, count, rtol=1e-3):
            yield (
                f"sum in place of mean: the gradient of {pair.name} is {count} times what it "
                f"should be, and {count} is {what}\n"
                "  try: divide by the count in backward, too, if forward takes a mean"
            )


def flipped(pair: Pair) -> Iterator[str]:
    """analytic[..., k] = numeric[..., K-1-k]"""
    for axis, size in enumerate(pair.in_shape):
        turned = np.flip(pair.grid(pair.numeric), len(pair.out_shape) + axis)
        if size > 1 and pair.fits(turned.reshape(pair.numeric.shape)):
            yield (
                f"flipped: the gradient of {pair.name} is right but runs backwards along axis "
                f"{axis}\n  try: leave out [::-1], or put it in: a convolution layer does not flip "
                "its kernel, so the gradient of the kernel is not flipped either"
            )


def exchanged(pair: Pair) -> Iterator[str]:
    """analytic[..., i, j] = numeric[..., j, i]"""
    lead = len(pair.out_shape)
    for i, j in combinations(range(len(pair.in_shape)), 2):
        if pair.in_shape[i] == pair.in_shape[j] > 1:
            turned = pair.grid(pair.numeric).swapaxes(lead + i, lead + j)
            if pair.fits(turned.reshape(pair.numeric.shape)):
                yield (
                    f"transposed: the gradient of {pair.name} has its axes {i} and {j} exchanged\n"
                    "  try: (A @ B).T is B.T @ A.T; check with sizes that all differ"
                )


def shifted(pair: Pair) -> Iterator[str]:
    """analytic[..., l] = numeric[..., l - d]"""
    right = pair.grid(pair.numeric)
    for axis, size in enumerate(pair.in_shape):
        along = len(pair.out_shape) + axis
        for by in (d for k in range(1, size // 2 + 1) for d in (k, -k)):
            from_there = np.arange(size) - by
            known = (from_there >= 0) & (from_there < size)
            predicted = np.take(right, np.where(known, from_there, 0), along)
            said = np.broadcast_to(
                known.reshape((-1,) + (1,) * (right.ndim - along - 1)), right.shape
            )
            if pair.fits(predicted.reshape(pair.numeric.shape), said.reshape(pair.numeric.shape)):
                yield (
                    f"shifted: the gradient of {pair.name} lies {abs(by)} too far to the "
                    f"{'right' if by > 0 else 'left'} along axis {axis}\n"
                    "  try: look for a padding that backward does not cut off, and for an index "
                    "that is off by one"
                )
                return


def left_out(pair: Pair) -> Iterator[str]:
    """Some numbers right, all others 0, and those right are those of certain indices."""
    kept = right_indices(pair, 0, pair.in_shape)
    if kept:
        yield inputs_left_out(pair, kept)
        return
    kept = right_indices(pair, 1, pair.out_shape)
    one_each = kept and all(len(indices) == 1 for indices in kept.values())
    if one_each:
        yield sum_is_missing(pair, kept)
        return
    if kept:
        yield (
            f"outputs left out: of {pair.output}, {and_so(kept)} counted in the gradient of "
            f"{pair.name}\n  try: does the loop of backward run over all outputs?"
        )
    yield from overwritten(pair)


def right_indices(pair: Pair, axis: int, shape: tuple[int, ...]) -> dict[int, Array]:
    """If whole columns (axis 0) or rows (1) are right and the others 0: which are right."""
    agrees, zero = pair.agrees(pair.numeric), np.abs(pair.analytic) <= pair.tolerance.atol
    used = (np.abs(pair.numeric) > pair.tolerance.atol).any(axis)
    right = used & agrees.all(axis)
    none = used & zero.all(axis) & ~right
    if not right.any() or not none.any() or (used & ~right & ~none).any():
        return {}
    return kept_indices(right.reshape(shape), none.reshape(shape))


def inputs_left_out(pair: Pair, kept: dict[int, Array]) -> str:
    """What to say where certain inputs get 0."""
    what, where, rest = "left out", f"{and_so(kept)} right", "0"
    if len(kept) == 1:
        ((axis, indices),) = kept.items()
        size = pair.in_shape[axis]
        if len(indices) == indices[-1] + 1:
            what, where = "tail dropped", f"the last {size - len(indices)} along axis {axis} are 0"
            rest = "right"
        elif len(indices) == size - indices[0]:
            what, where = "beginning dropped", f"the first {indices[0]} along axis {axis} are 0"
            rest = "right"
    return (
        f"{what}: in the gradient of {pair.name}, {where}; all others are {rest}\n"
        "  try: how far does the loop of backward run, or the slice that it fills?"
    )


def sum_is_missing(pair: Pair, kept: dict[int, Array]) -> str:
    """What to say where one index of some output axes is all that contributes."""
    where = [str(kept[i][0]) if i in kept else ":" for i in range(len(pair.out_shape))]
    lead = len(pair.out_shape) - len(pair.in_shape)
    sizes = (1,) * lead + pair.in_shape
    stretched = lead >= 0 and all(
        sizes[i] == 1 if i in kept else sizes[i] in (1, out) for i, out in enumerate(pair.out_shape)
    )
    what = "broadcast not summed" if stretched else "sum missing"
    if [*kept] == [0] and len(pair.out_shape) > 1 and not stretched:
        what = "sum over the batch missing"
    return (
        f"{what}: only {pair.output}[{', '.join(where)}] contributes to the gradient of {pair.name}"
        f"\n  try: sum over {axis_names([*kept])}"
        + (", along which it was broadcast" if stretched else "")
        + "; in a loop, add up with += instead of ="
    )


def kept_indices(right: Array, none: Array) -> dict[int, Array]:
    """Which indices along which axes tell what is right from what is 0; empty if none do."""
    kept = {}
    inside = np.ones(right.shape, bool)
    for axis in range(right.ndim):
        others = tuple(i for i in range(right.ndim) if i != axis)
        there = right.any(others)
        if (none.any(others) & ~there).any():
            kept[axis] = np.flatnonzero(there)
        inside &= np.expand_dims(there, others)
    return {} if (inside & none).any() else kept


def and_so(kept: dict[int, Array]) -> str:
    """``indices 0 to 4 of axis 2 are``"""
    parts = []
    for axis, indices in kept.items():
        first, last, n = indices[0], indices[-1], len(indices)
        step = (last - first) // (n - 1) if n > 1 else 1
        if n == 1:
            parts.append(f"index {first} of axis {axis}")
        elif n > 2 and step > 1 and np.array_equal(indices, np.arange(first, last + 1, step)):
            parts.append(f"one index in {step} of axis {axis}, from {first} on")
        elif n == last - first + 1:
            parts.append(f"indices {first} to {last} of axis {axis}")
        else:
            parts.append(f"indices {', '.join(map(str, indices))} of axis {axis}")
    return (
        f"only {' with '.join(parts)} {'is' if parts[0].startswith(('index', 'every')) else 'are'}"
    )


def overwritten(pair: Pair) -> Iterator[str]:
    """Of the outputs that use a number, only those of one step of a loop are counted."""
    if not pair.out_shape:
        return
    used = np.abs(pair.numeric) > pair.tolerance.atol
    axes = range(len(pair.out_shape))
    indices = np.indices(pair.out_shape).reshape(len(pair.out_shape), -1)
    for k in range(1, len(pair.out_shape) + 1):
        for loop in combinations(axes, k):
            sizes = tuple(pair.out_shape[i] for i in loop)
            step = np.ravel_multi_index(tuple(indices[i] for i in loop), sizes)[:, None]
            for sign in (1, -1):  # forwards, or backwards
                last = np.where(used, sign * step, -pair.numeric.size).max(0)
                predicted = np.where(sign * step == last, pair.numeric, 0)
                if pair.fits(predicted) and not pair.agrees(pair.numeric).all():
                    yield (
                        f"overwritten: numbers of {pair.name} that are used several times get the "
                        f"gradient of one use only, the {'last' if sign == 1 else 'first'} along "
                        f"{axis_names(loop)} of {pair.output}\n"
                        "  try: += instead of = in backward; for indices that come twice, np.add.at"
                    )
                    return


def stride_ignored(pair: Pair) -> Iterator[str]:
    """As if output t began at position t, where it begins at t * stride."""
    if not (pair.in_shape and pair.out_shape):
        return
    T, L = pair.out_shape[-1], pair.in_shape[-1]
    right = np.moveaxis(pair.grid(pair.numeric), len(pair.out_shape) - 1, -2)
    wrong = np.moveaxis(pair.grid(pair.analytic), len(pair.out_shape) - 1, -2)
    t, i = np.indices((T, L))
    for stride in range(2, max(L, T) + 1):
        # a signal: numeric[t, t*stride + k] stands at [t, t + k]
        # a kernel: numeric[t, k] = x[t*stride + k], and analytic[t, k] = x[t + k]
        of_kernel = np.minimum((t + i) // stride, T - 1)
        for there, at in ((t, i + t * (stride - 1)), (of_kernel, t + i - of_kernel * stride)):
            known = (at >= 0) & (at < L)
            predicted = right[..., there, np.where(known, at, 0)]
            told = pair._replace(analytic=wrong, numeric=right)
            after = known & (t > 0)  # the first output begins at 0 in any case
            if all(told.fits(predicted, np.broadcast_to(k, wrong.shape)) for k in (known, after)):
                yield (
                    f"stride ignored: the gradient of {pair.name} is that of stride 1, and the "
                    f"stride is {stride}\n"
                    f"  try: output t reads from position t * {stride} on, in backward, too"
                )
                return


def axis_names(axes: Iterator[int] | tuple[int, ...] | list[int]) -> str:
    """``axis 0``, or ``axes 0 and 2``"""
    names = [str(axis) for axis in axes]
    return (
        f"axis {names[0]}" if len(names) == 1 else f"axes {', '.join(names[:-1])} and {names[-1]}"
    )


# The first group that has something to say is heard; all of it, where several fit equally well.
MISTAKES = (
    (not_finite,),
    (nothing_arrives,),
    (passed_on, scaled, flipped, exchanged),
    (left_out, stride_ignored, shifted),
)
