"""The example of ``docs/lazy.rst``: a layer, and its lazy form."""

import lucid.nn as nn
from lucid.nn.lazy import PENDING, LazyMixin, SizedLayer
from lucid.ops.checks import check_one_dtype, check_rank, check_tensor


class Scale(SizedLayer):
    """y[n, c, t] = weight[c] * x[n, c, t] + bias[c]"""

    inferred = "channels"  # the attribute with the size

    def __init__(self, channels, bias=True, device=None, dtype=None):
        super().__init__(device, dtype)
        self.channels = self.weight = self.bias = None  # until the size is known
        self._declare("weight", "bias") if bias else self._declare("weight")
        self._complete(channels)  # the last line: checks, allocates, initializes

    def _shapes(self, size):  # what follows from the size; ValueError if it is impossible
        return {"weight": (size,), "bias": (size,)}

    def _size_from_input(self, x):  # an error if x is no input at all
        check_tensor(x, "input", "Scale")
        check_rank(x.shape, "Scale")
        return x.shape[1]

    def reset_parameters(self):
        if self.weight is not None:
            nn.init.ones_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        self._check_input(x)
        check_one_dtype("Scale", {"input": x, "weight": self.weight})
        y = x * self.weight[:, None]
        return y if self.bias is None else y + self.bias[:, None]

    def extra_repr(self):
        return self._describe("channels", bias=("bias" in self._parameters, True))


class LazyScale(LazyMixin, Scale):
    def __init__(self, bias=True, device=None, dtype=None):
        super().__init__(PENDING, bias, device, dtype)
