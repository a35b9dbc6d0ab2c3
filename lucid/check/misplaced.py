"""Known mistakes that put right numbers at wrong places, or leave some of them out.

As in ``mistakes.py``, each is what the gradient would then be; here, after a look at a few rows of
the Jacobian, so that of many possible shifts and strides only one or two are tried on all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from lucid.check.pair import Pair, axis_names
from lucid.types import Array

__all__ = ["dilation_ignored", "left_out", "shifted", "stride_ignored"]

WORK = 2**20  # numbers that are looked at to find a shift or a stride
LONGEST_STRIDE = 1024
LONGEST_KERNEL, MOST_STRIDE, MOST_DILATION = 64, 8, 32
FEW = 2 * MOST_DILATION  # output times, enough for every position to come twice


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
    said = list(overwritten(pair))
    if kept:
        # Both may fit to the last number. That the last use wins is one rule; indices that are no
        # range, nor each second or third, would be as many accidents, and so come second.
        ranges = all(len(set(np.diff(indices))) <= 1 for indices in kept.values())
        said.insert(
            0 if ranges else len(said),
            f"outputs left out: of {pair.output}, {and_so(kept)} counted in the gradient of "
            f"{pair.name}\n  try: does the loop of backward run over all outputs?",
        )
    yield from said


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


def shifted(pair: Pair) -> Iterator[str]:
    """analytic[..., l] = numeric[..., l - d]"""
    few = pair.few()
    for axis, size in enumerate(pair.in_shape):
        farthest = min(size // 2, WORK // size + 1) if size else 0
        for by in (d for k in range(1, farthest + 1) for d in (k, -k)):
            if few.allows(*moved(few, axis, by)) and pair.fits(*moved(pair, axis, by)):
                yield (
                    f"shifted: the gradient of {pair.name} lies {abs(by)} too far to the "
                    f"{'right' if by > 0 else 'left'} along axis {axis}\n"
                    "  try: look for a padding that backward does not cut off, and for an index "
                    "that is off by one"
                )
                return


def moved(pair: Pair, axis: int, by: int) -> tuple[Array, Array]:
    """The right Jacobian moved along an axis of the input, and where it is known."""
    right, size = pair.grid(pair.numeric), pair.in_shape[axis]
    along = len(pair.out_shape) + axis
    from_there = np.arange(size) - by
    known = (from_there >= 0) & (from_there < size)
    predicted = np.take(right, np.where(known, from_there, 0), along)
    said = np.broadcast_to(known.reshape((-1,) + (1,) * (right.ndim - along - 1)), right.shape)
    return predicted.reshape(pair.numeric.shape), said.reshape(pair.numeric.shape)


def stride_ignored(pair: Pair) -> Iterator[str]:
    """As if output t began at position t, where it begins at t * stride."""
    if not (pair.in_shape and pair.out_shape):
        return
    T, L = pair.out_shape[-1], pair.in_shape[-1]
    whole, one = by_time(pair)
    for stride in range(2, min(max(L, T), WORK // max(L, 1) + 2, LONGEST_STRIDE) + 1):
        few = np.array([t for t in (1, 2, 3, stride, 2 * stride) if t < T], int)
        some = one._replace(analytic=one.analytic[few])
        for reads in (of_signal, of_kernel):
            there, at = reads(few, T, L, stride)
            known = (at >= 0) & (at < L)
            predicted = one.numeric[there, np.where(known, at, 0)]
            if not known.any() or not some.allows(predicted, known):
                continue
            there, at = reads(np.arange(T), T, L, stride)
            known = (at >= 0) & (at < L)
            predicted = whole.numeric[..., there, np.where(known, at, 0)]
            after = known & (np.arange(T)[:, None] > 0)  # the first begins at 0 in any case
            if all(whole.fits(predicted, spread(k, predicted)) for k in (known, after)):
                yield (
                    f"stride ignored: the gradient of {pair.name} is that of stride 1, and the "
                    f"stride is {stride}\n"
                    f"  try: output t reads from position t * {stride} on, in backward, too"
                )
                return


def of_signal(ts: Array, T: int, L: int, stride: int) -> tuple[Array, Array]:
    """numeric[t, t*stride + k] stands at [t, t + k]: for each t and place, where it is from."""
    i = np.arange(L)
    t = np.broadcast_to(ts[:, None], (len(ts), L))
    return t, i + t * (stride - 1)


def of_kernel(ts: Array, T: int, L: int, stride: int) -> tuple[Array, Array]:
    """numeric[t, k] = x[t*stride + k], and analytic[t, k] = x[t + k]"""
    at = ts[:, None] + np.arange(L)
    there = np.minimum(at // stride, T - 1)
    return there, at - there * stride


def dilation_ignored(pair: Pair) -> Iterator[str]:
    """As if tap k read k places after the first, where it reads k * dilation after it."""
    if not (pair.in_shape and pair.out_shape):
        return
    whole, one = by_time(pair)
    for dilation, predicted, known, later in (*of_a_signal(whole), *of_a_kernel(whole, one)):
        # the first tap is at the same place in any case, so others must tell
        if all(whole.fits(predicted, spread(k, predicted)) for k in (known, known & later)):
            yield (
                f"dilation ignored: the gradient of {pair.name} is that of dilation 1, and the "
                f"dilation is {dilation}\n"
                f"  try: tap k is k * {dilation} positions after the first, in backward, too"
            )
            return


def of_a_signal(pair: Pair) -> Iterator[tuple[int, Array, Array, Array]]:
    """numeric[t, first + k*d] stands at [t, first + k], with first = t*stride - padding."""
    T, L = pair.numeric.shape[-2:]
    sizes = np.abs(pair.numeric).reshape(-1, T, L).max(0)
    used = sizes > pair.tolerance.atol
    spans = [(read[0], read[-1]) if len(read := np.flatnonzero(row)) else (0, -1) for row in used]
    reach = max(last - first for first, last in spans)
    # at the ends some taps may stand in the padding; those of the whole reach do not
    inner = [t for t, (first, last) in enumerate(spans) if last - first == reach]
    read = np.flatnonzero(used[inner[0]])
    dilation = int(np.gcd.reduce(np.diff(read))) if len(read) > 1 else 1
    if dilation < 2 or (T > 1 and len(inner) == 1):
        return
    begins, t = spans[inner[0]][0], np.arange(T)[:, None]
    apart = max(inner[-1] - inner[0], 1)
    stride = (spans[inner[-1]][0] - begins) // apart
    first = begins + (t - inner[0]) * stride
    i = np.arange(L)
    at = first + (i - first) * dilation
    known = (at >= 0) & (at < L)
    predicted = pair.numeric[..., t, np.where(known, at, 0)]
    yield dilation, predicted, known, i > first


def of_a_kernel(pair: Pair, one: Pair) -> Iterator[tuple[int, Array, Array, Array]]:
    """numeric[t, k] = x[t*stride + k*d], and analytic[t, k] = x[t*stride + k]"""
    T, K = pair.numeric.shape[-2:]
    if not 1 < K <= LONGEST_KERNEL:
        return
    t, k = np.arange(T)[:, None], np.arange(K)
    some = one.numeric[:FEW]
    for stride in range(1, MOST_STRIDE + 1):
        for dilation in range(2, MOST_DILATION + 1):
            at = t[:FEW] * stride + k * dilation
            signal = np.full((at.max() + 1,), np.nan)
            signal[at] = some
            if len(np.unique(at)) == at.size:  # nothing is read twice, so nothing can be told
                continue
            if not (np.abs(signal[at] - some) <= one.tolerance.of(some)).all():
                continue
            at = t * stride + k * dilation
            signals = np.full((*pair.numeric.shape[:-2], at.max() + 1), np.nan)
            signals[..., at] = pair.numeric
            predicted = signals[..., t * stride + k]
            known = np.zeros(at.max() + 1, bool)
            known[at] = True
            known = known[t * stride + k]
            yield dilation, predicted, known, np.broadcast_to(k > 0, known.shape)


def by_time(pair: Pair) -> tuple[Pair, Pair]:
    """The Jacobians with the last axes of output and input last; and the worst slice of them."""
    right, wrong = (
        np.moveaxis(pair.grid(both), len(pair.out_shape) - 1, -2)
        for both in (pair.numeric, pair.analytic)
    )
    with np.errstate(invalid="ignore"):
        off = np.nan_to_num(np.abs(wrong - right), nan=np.inf).max((-2, -1), initial=0)
    place = np.unravel_index(off.argmax(), off.shape)
    whole = pair._replace(analytic=wrong, numeric=right)
    return whole, pair._replace(analytic=wrong[place], numeric=right[place])


def spread(known: Array, over: Array) -> Array:
    """What is known for each time and place, for all channels and samples."""
    return np.broadcast_to(known, over.shape)
