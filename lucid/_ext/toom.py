"""Short kernels with fewer multiplications: the algorithm of Toom and Cook, as three matrices.

Two polynomials can be multiplied without multiplying every coefficient by every other: evaluate
both at as many points as their product has coefficients, multiply the values, and find the one
polynomial that takes these values. For m and r coefficients that makes m + r - 1 multiplications
instead of m * r. A row of outputs is the transpose of such a product [1]_ [2]_, so m neighbouring
outputs of a kernel of r taps take m + r - 1 multiplications, too::

    y = A @ ((G @ w) * (D @ x))         w: r taps    x: m + r - 1 inputs    y: m outputs

``G`` evaluates the taps at the points, ``A`` is the transpose of the same for m coefficients, and
``D`` the transpose of what finds the polynomial. Two outputs of three taps, at 0, 1, -1 and
infinity (where a polynomial's value is its leading coefficient)::

    y[0] = u[0]*(x[0] - x[2]) + u[1]*(x[1] + x[2])/2 + u[2]*(x[2] - x[1])/2
    y[1] =                      u[1]*(x[1] + x[2])/2 - u[2]*(x[2] - x[1])/2 + u[3]*(x[3] - x[1])
    u    = w[0], w[0] + w[1] + w[2], w[0] - w[1] + w[2], w[2]

Four multiplications by u instead of six by w. The sums cost little beside many channels: ``G @ w``
is shared by all positions, ``D @ x`` by all output channels, and ``A`` comes after the sum over
input channels. ``conv1d_toom.pyx`` computes all three as products of matrices.

The price are rounding errors: two to eight times those of the tiles for random numbers, and of a
size that depends on all inputs of a column, not only on those that an output reads or that its taps
do not ignore.

References
----------
.. [1] S. Winograd, "Arithmetic Complexity of Computations", SIAM 1980.
.. [2] A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016,
   arXiv:1509.09308.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scheme", "matrices", "scheme"]

# Small numbers and their inverses: their powers, by which rounding errors grow, stay small, too.
POINTS = (0, 1, -1, 0.5, -2, -0.5, 2)


class Scheme(NamedTuple):
    """How m neighbouring outputs of r taps are computed with E = m + r - 1 multiplications."""

    A: NDArray[np.floating[Any]]  #: (m, E), from the products to the outputs
    G: NDArray[np.floating[Any]]  #: (E, r), the taps at E points
    D: NDArray[np.floating[Any]]  #: (E, E), from the inputs to what is multiplied


def matrices(m: int, r: int) -> Scheme:
    """A, G and D for m outputs of r taps, in float64.

    Examples
    --------
    >>> import numpy as np
    >>> A, G, D = matrices(2, 3)
    >>> D + 0
    array([[ 1. ,  0. , -1. ,  0. ],
           [ 0. ,  0.5,  0.5,  0. ],
           [ 0. , -0.5,  0.5,  0. ],
           [ 0. , -1. ,  0. ,  1. ]])
    >>> w, x = np.array([1, 2, 3]), np.array([4, 5, 6, 7])
    >>> A @ ((G @ w) * (D @ x)), np.correlate(x, w)
    (array([32., 38.]), array([32, 38]))
    """
    E = m + r - 1
    points = np.array(POINTS[: E - 1], dtype=np.float64)

    def at_points(count: int) -> NDArray[np.float64]:
        """A polynomial of so many coefficients at all points; the last one is infinity."""
        powers = points[:, None] ** np.arange(count)
        return np.concatenate([powers, np.eye(count)[-1:]])

    D = np.zeros((E, E))
    for e, point in enumerate(points):  # the polynomial that is 1 here and 0 at the other points
        others = np.delete(points, e)
        D[e, :-1] = np.poly(others)[::-1] / np.prod(point - others)
    D[-1] = np.poly(points)[::-1]  # 0 at all of them; its leading coefficient is 1
    return Scheme(at_points(m).T, at_points(r), D)


@lru_cache(maxsize=64)
def scheme(m: int, r: int, dtype: np.dtype[np.floating[Any]]) -> Scheme:
    """The same, as the kernel wants it."""
    return Scheme(*(np.ascontiguousarray(matrix, dtype) for matrix in matrices(m, r)))
