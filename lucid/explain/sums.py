"""One output, worked out: which numbers are taken, and what becomes of them.

The terms are computed anew here, from the weights and the input, and added up in double precision;
that the layer itself has computed the same is what ``Sum.output`` is there to show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lucid import nn
from lucid.explain.reading import BINNED, SLIDING, mode_of, places, sources, taps
from lucid.explain.running import Call, is_lucids_own
from lucid.nn.layer_norm import LastAxesNorm
from lucid.nn.norm import RunningNorm
from lucid.ops.pool import bins
from lucid.types import Array

Index = tuple[int, ...]

POOLING = nn.MaxPool1d | nn.AvgPool1d | nn.LPPool1d | BINNED

#: So many terms are written out; of more than that, the first and the last ones.
SHOWN = 6


class Sum(NamedTuple):
    """One output: as symbols, as numbers, and its value by either way of computing it."""

    symbols: str
    numbers: str
    value: float
    output: float


class Term(NamedTuple):
    """A summand: how it is written, its factors, and their product."""

    symbols: str
    factors: tuple[float, ...]

    @property
    def value(self) -> float:
        """The product of the factors."""
        return math.prod(self.factors)

    @property
    def numbers(self) -> str:
        """0.3*(-1.2)"""
        return "*".join(f"({number(f)})" if f < 0 else number(f) for f in self.factors)


def number(value: float) -> str:
    """Four digits, and no more zeros than needed."""
    return f"{value:.4g}"


def at(name: str, index: Sequence[int]) -> str:
    """x[0,3,7]"""
    return f"{name}[{','.join(map(str, index))}]"


def elided(parts: Sequence[str], sign: str = " + ") -> str:
    """The parts joined; of many, the first and the last ones."""
    if len(parts) > SHOWN:
        left_out = f"... {len(parts) - SHOWN} more ..."
        parts = [*parts[: SHOWN - 2], left_out, *parts[-2:]]
    return sign.join(parts)


def one_output(call: Call, where: Index) -> Sum | None:
    """The output of a call at an index, worked out; None for layers that have no such sum."""
    layer: Any = call.module
    if call.shapes is None or not is_lucids_own(layer):
        return None
    x, output = call.inputs[0]._array, float(call.outputs[0]._array[where])
    match layer:
        case nn.Conv1d() | nn.ConvTranspose1d() | nn.Linear():
            terms = weighted(layer, x, where)
            value = math.fsum(term.value for term in terms)
            return Sum(
                elided([t.symbols for t in terms]), elided([t.numbers for t in terms]),
                value, output,
            )  # fmt: skip
        case _ if isinstance(layer, POOLING):
            return pooled(layer, x, where, output)
        case RunningNorm() | LastAxesNorm() | nn.GroupNorm():
            return normalized(layer, x, where, output)
    return None


# ------------------------------------------------------------------------------- weights and inputs


def weighted(layer: Any, x: Array, where: Index) -> list[Term]:
    """The summands of a convolution, a transposed one, or a linear map."""
    w, b = layer.weight._array, layer.bias
    channel = where[-1] if isinstance(layer, nn.Linear) else where[1]
    terms = [] if b is None else [Term(at("b", [channel]), (float(b._array[channel]),))]
    reads = {
        nn.Linear: of_linear, nn.Conv1d: of_conv, nn.ConvTranspose1d: of_transposed,
    }  # fmt: skip
    find = next(find for kind, find in reads.items() if isinstance(layer, kind))
    for weight, place in find(layer, x.shape, where):
        if place[-1] < 0:  # in the padding
            terms.append(Term(f"{at('w', weight)}*0", (float(w[weight]), 0.0)))
        else:
            factors = float(w[weight]), float(x[place])
            terms.append(Term(f"{at('w', weight)}*{at('x', place)}", factors))
    return terms


def of_linear(layer: Any, shape: Index, where: Index) -> list[tuple[Index, Index]]:
    """w[o, i] * x[..., i]"""
    return [((where[-1], i), (*where[:-1], i)) for i in range(shape[-1])]


def of_conv(layer: Any, shape: Index, where: Index) -> list[tuple[Index, Index]]:
    """w[o, c, k] * x[n, c0 + c, position]"""
    n, o, t = where
    width = shape[1] // layer.groups
    first = o // (layer.out_channels // layer.groups) * width
    read = places(taps(layer, t), shape[2], mode_of(layer))
    return [((o, c, k), (n, first + c, i)) for c in range(width) for k, i in enumerate(read)]


def of_transposed(layer: Any, shape: Index, where: Index) -> list[tuple[Index, Index]]:
    """w[c, o, k] * x[n, c, t], for those t and k that meet at the output"""
    n, o, j = where
    width, per_group = shape[1] // layer.groups, layer.out_channels // layer.groups
    first = o // per_group * width
    meeting = []
    for k in range(layer.kernel_size):
        t, rest = divmod(j + layer.padding - k * layer.dilation, layer.stride)
        if rest == 0 and 0 <= t < shape[2]:
            meeting.append((k, t))
    return [
        ((c, o % per_group, k), (n, c, t))
        for c in range(first, first + width)
        for k, t in meeting
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------ windows


def pooled(layer: Any, x: Array, where: Index, output: float) -> Sum:
    """A maximum, a mean, or a root of powers over the numbers of a window."""
    L, t = x.shape[-1], where[-1]
    if isinstance(layer, SLIDING):
        read = places(taps(layer, t), L, "zeros")
    else:
        starts, ends = bins(L, layer.output_size)
        read = list(range(starts[t], ends[t]))
    inside = [(*where[:-1], i) for i in read if i >= 0]
    symbols, values = [at("x", place) for place in inside], [float(x[place]) for place in inside]
    shown = [number(v) for v in values]
    match layer:
        case nn.MaxPool1d() | nn.AdaptiveMaxPool1d():
            most = math.nan if any(map(math.isnan, values)) else max(values)
            return Sum(f"max({elided(symbols, ', ')})", f"max({elided(shown, ', ')})", most, output)
        case nn.LPPool1d():
            p, norm = number(layer.norm_type), layer.norm_type
            value = max(math.fsum(v**norm for v in values), 0.0) ** (1 / norm)
            return Sum(
                f"({elided([f'{s}^{p}' for s in symbols])})^(1/{p})",
                f"({elided([f'({v})^{p}' for v in shown])})^(1/{p})", value, output,
            )  # fmt: skip
    count = len(inside)
    if isinstance(layer, nn.AvgPool1d) and layer.count_include_pad:
        start = t * layer.stride - layer.padding
        count = min(start + layer.kernel_size, L + layer.padding) - start
    value = math.fsum(values) / count
    return Sum(f"({elided(symbols)}) / {count}", f"({elided(shown)}) / {count}", value, output)


# -------------------------------------------------------------------------------------------- norms


def normalized(layer: Any, x: Array, where: Index, output: float) -> Sum | None:
    """(x - mean) / sqrt(var + eps) * w + b"""
    block = sources(layer, x.shape, tuple((i,) for i in where))
    assert block is not None  # of norms it is known
    read = x[np.ix_(*block)].astype(np.float64)
    eps = layer.eps
    if isinstance(layer, nn.RMSNorm):
        eps = float(np.finfo(x.dtype).eps) if eps is None else eps
        mean, var, inside = 0.0, float((read**2).mean()), "mean of squares"
    elif isinstance(layer, RunningNorm) and not (layer.training or layer.running_mean is None):
        c = where[1]
        mean, var = float(layer.running_mean._array[c]), float(layer.running_var._array[c])  # type: ignore[union-attr]  # there, with the mean
        inside = "running_var"
    else:
        mean, var, inside = float(read.mean()), float(read.var()), "var"
    w, b = scale_of(layer, "weight", where), scale_of(layer, "bias", where)
    less = "" if isinstance(layer, nn.RMSNorm) else f" - {inside.replace('var', 'mean')}"
    value = (float(x[where]) - mean) / math.sqrt(var + eps)
    symbols = f"({at('x', where)}{less}) / sqrt({inside} + eps)"
    minus = f" - {number(mean)}" if less else ""
    numbers = f"({number(float(x[where]))}{minus}) / sqrt({number(var)} + {number(eps)})"
    if w is not None:
        value, symbols, numbers = value * w[1], f"{symbols} * {w[0]}", f"{numbers} * {number(w[1])}"
    if b is not None:
        value, symbols, numbers = value + b[1], f"{symbols} + {b[0]}", f"{numbers} + {number(b[1])}"
    return Sum(symbols, numbers, value, output)


def scale_of(layer: Any, name: str, where: Index) -> tuple[str, float] | None:
    """The weight or bias of a norm for one output: how it is written, and its value."""
    p = layer._parameters.get(name)
    if p is None:
        return None
    index = where[len(where) - p.ndim :] if isinstance(layer, LastAxesNorm) else (where[1],)
    return at(name[0], index), float(p._array[index])
