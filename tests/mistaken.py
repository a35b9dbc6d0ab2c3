"""Ops as a student writes them, each right, or with one mistake planted in its backward."""

from __future__ import annotations

import numpy as np
import pytest

import lucid
from lucid.autograd import Function
from lucid.check import CheckError, gradcheck


def leaf(*shape, seed=0):
    """A float64 tensor of random numbers that requires a gradient."""
    numbers = np.random.default_rng([seed, *shape]).standard_normal(shape)
    return lucid.tensor(numbers, requires_grad=True)


class Conv(Function):
    """y[n, o, t] = sum over c, k of w[o, c, k] * x[n, c, t*stride + k*dilation - padding]"""

    def __init__(self, mistake="", stride=1, padding=0, dilation=1):
        self.mistake, self.stride, self.padding = mistake, stride, padding
        self.dilation = dilation

    def padded(self, x):
        return np.pad(x, ((0, 0), (0, 0), (self.padding, self.padding)))

    def forward(self, x, w):
        p, s, d = self.padded(x), self.stride, self.dilation
        reach = d * (w.shape[2] - 1) + 1
        starts = [t * s for t in range((p.shape[2] - reach) // s + 1)]
        columns = [np.einsum("nck,ock->no", p[:, :, i : i + reach : d], w) for i in starts]
        return np.stack(columns, -1)

    def backward(self, grad):
        mistake, g = self.mistake, grad.detach().numpy()
        x, w = self.saved(0).detach().numpy(), self.saved(1).detach().numpy()
        p, (N, _, L), K, T = self.padded(x), x.shape, w.shape[2], g.shape[2]
        gp, gw = np.zeros_like(p), np.zeros_like(w)
        samples = slice(0, 1) if mistake == "sum over the batch missing" else slice(0, N)
        for t in range(T - 1 if mistake == "outputs left out" else T):
            start = t if mistake == "stride ignored" else t * self.stride
            d = 1 if mistake == "dilation ignored" else self.dilation
            read = slice(start, start + d * (K - 1) + 1, d)
            of_w = slice(start, start + K) if mistake == "dilation ignored, kernel" else read
            gw += np.einsum("no,nck->ock", g[samples, :, t], p[samples, :, of_w])
            kernel = w[:, :, ::-1] if mistake == "kernel flipped" else w
            part = np.einsum("no,ock->nck", g[:, :, t], kernel)
            if mistake == "overwritten":
                gp[:, :, read] = part
            else:
                gp[:, :, read] += part
        first = 0 if mistake == "shifted" else self.padding
        gx = gp[:, :, first : first + L].copy()
        if mistake == "flipped":
            gw = gw[:, :, ::-1].copy()
        if mistake == "mean in place of sum":
            gw /= N
        if mistake == "tail dropped":
            gx[:, :, -2:] = 0
        if mistake == "factor 2":
            gw *= 2
        if mistake == "the sign":
            gx *= -1
        return lucid.tensor(gx), lucid.tensor(gw)


class Add(Function):
    """y = x + b, with b broadcast"""

    reads_inputs = False

    def __init__(self, mistake=""):
        self.mistake = mistake

    def forward(self, x, b):
        return x + b

    def backward(self, grad):
        lead = len(self.shapes[0]) - len(self.shapes[1])
        stretched = [i for i, size in enumerate(self.shapes[1], lead) if size == 1]
        axes = (*range(lead), *stretched)
        if self.mistake == "shape":
            return grad, grad
        if self.mistake == "slice":
            gb = grad[tuple(slice(0, 1) if i in axes else slice(None) for i in range(grad.ndim))]
        else:
            gb = grad.sum(axes, keepdim=True)
        return grad, gb.reshape(self.shapes[1])


class Rows(Function):
    """y[i] = w[index[i]]"""

    reads_inputs = False

    def __init__(self, index, mistake=""):
        self.index, self.mistake = np.asarray(index), mistake

    def forward(self, w):
        return w[self.index]

    def backward(self, grad):
        gw = np.zeros(self.shapes[0])
        if self.mistake == "overwritten":
            gw[self.index] = grad.detach().numpy()
        else:
            np.add.at(gw, self.index, grad.detach().numpy())
        return lucid.tensor(gw)


class Matmul(Function):
    """y = a @ b"""

    def __init__(self, mistake=""):
        self.mistake = mistake

    def forward(self, a, b):
        return a @ b

    def backward(self, grad):
        a, b = self.saved(0), self.saved(1)
        ga, gb = grad @ b.T, a.T @ grad
        if self.mistake == "transposed":
            gb = grad.T @ a
        if self.mistake == "b not transposed":
            ga = grad @ b
        if self.mistake == "wrong order":
            return gb, ga
        return ga, gb


class Softmax(Function):
    """y = exp(x) / sum of exp(x), along the last axis"""

    reads_output = True

    def __init__(self, mistake=""):
        self.mistake = mistake

    def forward(self, x):
        powers = np.exp(x - x.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)

    def backward(self, grad):
        y = self.output()
        if self.mistake == "diagonal only":
            return grad * y * (1 - y)
        return y * (grad - (grad * y).sum(-1, keepdim=True))


class Square(Function):
    """y = x * x"""

    def __init__(self, mistake=""):
        self.mistake = mistake

    def forward(self, x):
        if self.mistake == "fn changes x":
            x += 1
        return x * x

    def backward(self, grad):
        x = self.saved(0)
        if self.mistake == "incoming gradient ignored":
            return 2 * x
        if self.mistake == "not linear":
            return grad * grad * 2 * x
        if self.mistake == "rectified":
            return grad.relu() * 2 * x
        if self.mistake == "clamped":
            return grad.clamp(-5, 5) * 2 * x
        if self.mistake == "clipped":
            return grad * (9 / max(9.0, float(grad.detach().norm()))) * 2 * x
        if self.mistake == "small ones dropped":
            return grad * (grad.detach().abs() > 1e-3) * 2 * x
        if self.mistake == "local derivative missing":
            return grad * 1
        if self.mistake == "factor 2":
            return grad * x
        if self.mistake == "a factor":
            return grad * x * 2.5
        if self.mistake == "no gradient":
            return (None,)
        if self.mistake == "has nan":
            return grad * 2 * x * (x.detach() * 0 / (x.detach() - x.detach()[1]) + 1)
        if self.mistake == "backward changes x":
            with lucid.no_grad():
                x.detach().mul_(2)
        if self.mistake == "changes the incoming grad":
            with lucid.no_grad():
                grad.mul_(2)
        return grad * 2 * x


class Mean(Function):
    """y = mean of x over its first axis"""

    reads_inputs = False

    def __init__(self, mistake=""):
        self.mistake = mistake

    def forward(self, x):
        return x.mean(0)

    def backward(self, grad):
        count = 1 if self.mistake == "sum in place of mean" else self.shapes[0][0]
        return (grad / count).expand(self.shapes[0])


class Normalize(Function):
    """y = (x - mean) / deviation, along the first axis"""

    reads_output = True

    def __init__(self, mistake=""):
        self.mistake = mistake

    def forward(self, x):
        return (x - x.mean(0)) / x.std(0)

    def backward(self, grad):
        y, deviation = self.output(), self.saved(0).std(0, correction=0)
        if self.mistake == "constants":
            return grad / deviation
        return (grad - grad.mean(0) - y * (grad * y).mean(0)) / deviation


class Scaled(Function):
    """y = x * x, whose slope is given as scale * x"""

    def __init__(self, scale):
        self.scale = scale

    def forward(self, x):
        return x * x

    def backward(self, grad):
        return grad * self.saved(0) * self.scale


def conv(mistake, **options):
    """A convolution with a mistake, as a function, and inputs for it."""
    signal, kernel = leaf(3, 2, 9), leaf(4, 2, 3, seed=1)
    return lambda x, w: Conv(mistake, **options)(x, w), (signal, kernel)


def problem(function, *inputs, **options):
    """The report of a gradcheck that fails, after a look at the error it is raised as."""
    with pytest.raises(CheckError) as caught:
        gradcheck(function, inputs, **options)
    report = caught.value.report
    assert str(caught.value) == repr(report)
    assert not report
    return report
