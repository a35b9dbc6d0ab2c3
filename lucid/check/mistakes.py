"""Known mistakes, each as what the gradient would be if it had been made.

The evidence is a pair of Jacobians of one output with respect to one input: ``numeric``, by finite
differences, which is right, and ``analytic``, by the student's backward, which is wrong. A mistake
turns the right one into a prediction; only if this is the wrong one, number for number, the mistake
is named. Where the right one does not tell (outside of a border, say), nothing is predicted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from lucid.check.misplaced import dilation_ignored, left_out, shifted, stride_ignored
from lucid.check.pair import Pair, axis_names

__all__ = ["MISTAKES"]


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


# The first group that has something to say is heard; all of it, where several fit equally well.
MISTAKES = (
    (not_finite,),
    (nothing_arrives,),
    (passed_on, scaled, flipped, exchanged),
    (left_out, stride_ignored, dilation_ignored, shifted),
)
