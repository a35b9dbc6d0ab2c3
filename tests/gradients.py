"""Derivatives by finite differences: what the derivatives of every op are compared with.

f'(x) is close to (f(x + step) - f(x - step)) / (2 step). In float64, with a step of 1e-6, the two
differ by about 1e-10 for functions of ordinary size. The second derivative is compared in the same
way: the first, as lucid computes it, is a function too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import lucid
from lucid.autograd import grad

STEP = 1e-6


def check_gradients(
    function: Callable[..., lucid.Tensor],
    *inputs: lucid.Tensor,
    tolerance: float = 1e-6,
    second: bool = True,
) -> None:
    """Assert that the first and second derivatives of ``function`` at ``inputs`` are right.

    All elements of all float64 inputs are moved, one at a time; other inputs (indices, masks) are
    passed on as they are. The output is reduced to one number with random weights, which count as
    one more input for the second derivative: it must be right through the gradient that comes in,
    too.
    """
    moved = [i for i, x in enumerate(inputs) if x.dtype is lucid.float64]
    points = [inputs[i].detach().numpy().copy() for i in moved]
    random = np.random.default_rng(0)

    def output(xs: list[lucid.Tensor]) -> lucid.Tensor:
        given = list(inputs)
        for i, x in zip(moved, xs, strict=True):
            given[i] = x
        return function(*given)

    shape = output(leaves(points)).shape
    out_weights = random.standard_normal(shape)

    def weighted_output(xs: list[lucid.Tensor]) -> lucid.Tensor:
        return (output(xs) * lucid.tensor(out_weights)).sum()

    compare("first derivative", weighted_output, points, tolerance)
    if not second:
        return
    grad_weights = [lucid.tensor(random.standard_normal(p.shape)) for p in points]

    def weighted_gradient(xs: list[lucid.Tensor]) -> lucid.Tensor:
        *xs, seed = xs
        firsts = grad(output(xs), xs, seed, create_graph=True, allow_unused=True)
        terms = [(w * g).sum() for w, g in zip(grad_weights, firsts, strict=True) if g is not None]
        return lucid.stack(terms).sum()

    compare("second derivative", weighted_gradient, [*points, out_weights], tolerance)


def compare(
    what: str,
    function: Callable[[list[lucid.Tensor]], lucid.Tensor],
    points: list[np.ndarray],
    tolerance: float,
) -> None:
    """Assert that the gradient of a function to one number is that of finite differences."""
    xs = leaves(points)
    ours = grad(function(xs), xs, allow_unused=True)
    for i, (x, point) in enumerate(zip(ours, points, strict=True)):
        got = np.zeros_like(point) if x is None else x.numpy()
        expected = differences(lambda: function(leaves(points)).item(), point)
        np.testing.assert_allclose(
            got, expected, tolerance, tolerance, err_msg=f"{what}, input {i}"
        )


def differences(function: Callable[[], float], point: np.ndarray) -> np.ndarray:
    """Move every element of ``point`` up and down; return how steeply the function changes."""
    slopes = np.empty_like(point)
    for place in np.ndindex(point.shape):
        here = point[place]
        point[place] = here + STEP
        above = function()
        point[place] = here - STEP
        below = function()
        point[place] = here
        slopes[place] = (above - below) / (2 * STEP)
    return slopes


def leaves(points: list[np.ndarray]) -> list[lucid.Tensor]:
    """Tensors that require gradients, on copies of the points."""
    return [lucid.tensor(p, requires_grad=True) for p in points]
