"""What smooth activations have in common: a kernel for the value, and one for the slope."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from lucid._ext import kernels
from lucid.autograd import Function, is_grad_enabled
from lucid.ops.elementwise import each, fused
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class Smooth(Function):
    """out = f(x), for an f that the kernels know by its ``kind`` (see ``_ext/activations.pyx``)

    A subclass says its slope in tensor operations, too, for where backward is recorded; ``options``
    are the numbers in f.
    """

    new_gradients, silent = True, True

    kind: ClassVar[int]
    options: tuple[float, ...] = (0.0,)

    def forward(self, x: Array) -> Array:
        return each(kernels.activation_forward, x, self.kind, self.numbers(x.dtype))

    def backward(self, grad: Tensor) -> Tensor:
        x = self.saved(0)
        if is_grad_enabled():
            return grad * self.slope(x)
        numbers = self.numbers(x._array.dtype)
        return fused(kernels.activation_backward, grad, x, self.kind, numbers)

    def slope(self, x: Tensor) -> Tensor:
        """f'(x)"""
        raise NotImplementedError(f"{type(self).__name__} has no slope")

    def numbers(self, dtype: DTypeLike) -> Array:
        """The options as the kernel reads them."""
        return np.array(self.options, dtype)
