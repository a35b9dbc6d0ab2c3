"""The distribution function of the normal distribution, which NumPy does not have.

P(x), the probability that a normal number is below x, equals (1 + erf(x / sqrt 2)) / 2. Far left
it is the product of two factors: e^(-x^2 / 2), which falls steeply, and a tame one. With a = |x|::

    P(-a) = e^(-a^2 / 2) / 2 * h(a),    P(a) = 1 - P(-a)

h falls from 1 to 0 as a grows. Seen as a function of t = (a - 4) / (a + 4), which goes from -1 to
1, it is so smooth that a polynomial of degree 23 gives it to the last bit of a float64, and one of
degree 10 to that of a float32. The idea, and the choice of t, are those of [1]_; ``SERIES`` was
computed anew, in 40 digits, as the Chebyshev series of that degree which equals h at the 24 zeros
of the next Chebyshev polynomial. ``tests/test_activations.py`` holds it against ``math.erfc``.

.. [1] J. L. Schonfelder, "Chebyshev Expansions for the Error and Related Functions", Mathematics of
   Computation 32, 1978.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial.chebyshev import cheb2poly

from lucid._ext.activation_twins import normal_cdf
from lucid.autograd import Function
from lucid.ops.elementwise import exp
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor

SERIES = (
    0.336576403246465453, -0.458314199810818148, 0.155576710181314836, -0.0407693728365482108,
    0.00783627409091614961, -0.000933321256675834189, 0.0000125750402642786778,
    0.00001716797159825576, -2.03351522172723989e-6, -2.79505351904265833e-7,
    7.33856158297376506e-8, 5.6083577849849425e-9, -2.51684482644416819e-9,
    -1.79004448145203465e-10, 9.07217306196715587e-11, 8.94857531295199254e-12,
    -3.34337581034690625e-12, -5.36756292887559693e-13, 1.14435209173939454e-13,
    3.2420955660311767e-14, -2.74905628985125667e-15, -1.82030471740077214e-15,
    -4.43352506026319377e-17, 9.15815471785269563e-17,
)  # fmt: skip

# The same as powers of t, highest first.
POWERS = {
    np.dtype(np.float64): cheb2poly(SERIES)[::-1].copy(),
    np.dtype(np.float32): cheb2poly(SERIES[:11])[::-1].astype(np.float32),
}


class NormalCDF(Function):
    """out = P(x); its slope is the density"""

    def forward(self, x: Array) -> Array:
        return normal_cdf(x, tuple(POWERS[x.dtype])).astype(x.dtype, copy=False)

    def backward(self, grad: Tensor) -> Tensor:
        return grad * normal_density(self.saved(0))


def normal_density(x: Tensor) -> Tensor:
    """e^(-x^2 / 2) / sqrt(2 pi)"""
    return math.sqrt(0.5 / math.pi) * exp(-0.5 * (x * x))
