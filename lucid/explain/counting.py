"""Arithmetic about layers, in numbers and written out: lengths, parameters, multiply-adds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lucid import nn
from lucid.explain.running import Call, is_lucids_own
from lucid.nn.layer_norm import LastAxesNorm
from lucid.nn.module import Module
from lucid.nn.norm import RunningNorm
from lucid.nn.padding import _Pad
from lucid.nn.parameter import Parameter, UninitializedParameter
from lucid.nn.recurrence import Recurrent
from lucid.ops.conv import pads

#: A number, and the steps that lead to it.
Worked = tuple[int, str]


def own_parameters(module: Module) -> list[tuple[str, Parameter]]:
    """The parameters of the module itself that have a shape, with their names."""
    named = module.named_parameters(recurse=False)
    return [(name, p) for name, p in named if not isinstance(p, UninitializedParameter)]


def product(*factors: int) -> str:
    """4*8*15"""
    return "*".join(map(str, factors))


# -------------------------------------------------------------------------------- multiply-adds


def multiply_adds(call: Call) -> Worked | None:
    """How often a call multiplies a number by a learned weight, padding included; None: unknown."""
    layer, shapes = call.module, call.shapes
    if shapes is None or not is_lucids_own(layer):
        return None
    given, out = shapes
    match layer:
        case nn.Conv1d():
            names = "N*C_out*L_out*(C_in/groups)*kernel_size"
            factors = (*out, given[1] // int(layer.groups), layer.kernel_size)
            return math.prod(factors), f"{names} = {product(*factors)}"
        case nn.ConvTranspose1d():
            names = "N*C_in*L*(C_out/groups)*kernel_size"
            factors = (*given, layer.out_channels // layer.groups, layer.kernel_size)
            return math.prod(factors), f"{names} = {product(*factors)}"
        case nn.Linear():
            rows = math.prod(given[:-1])
            return (
                rows * given[-1] * layer.out_features,
                f"rows*in_features*out_features = {product(rows, given[-1], layer.out_features)}",
            )
        case Recurrent():
            return of_recurrent(layer, given)
        case RunningNorm() | LastAxesNorm() | nn.GroupNorm() | nn.PReLU():
            learned = layer._parameters.get("weight") is not None
            count = math.prod(given) if learned else 0
            return count, "one for each number: its scale" if learned else "nothing is learned"
        case nn.Embedding():
            return 0, "numbers are looked up"
    return None if own_parameters(layer) else (0, "nothing is learned")


def of_recurrent(layer: Recurrent, given: Sequence[int]) -> Worked:
    """Every weight is used once for each step of each sequence."""
    steps = math.prod(given[:-1])  # of a PackedSequence, too: its data has one row for each
    weights = [p.numel() for name, p in own_parameters(layer) if name.startswith("weight")]
    return steps * sum(weights), f"steps*weights = {steps}*({' + '.join(map(str, weights))})"


def total_multiply_adds(calls: Sequence[Call]) -> tuple[int, bool]:
    """The sum over calls, and whether nothing is missing from it."""
    callers = {id(call.caller) for call in calls}
    counts = [multiply_adds(call) for call in calls if id(call) not in callers]
    return sum(c[0] for c in counts if c is not None), None not in counts


# --------------------------------------------------------------------------------------- lengths


def output_length(layer: Any, L: int) -> Worked | None:
    """The length of a layer's output, and how it follows from the length of its input."""
    match layer:
        case nn.Conv1d():
            left, right = pads(layer.padding, layer.kernel_size, layer.dilation)
            return windows(L, left, right, layer.kernel_size, layer.stride, layer.dilation, False)
        case nn.MaxPool1d():
            p, d = layer.padding, layer.dilation
            return windows(L, p, p, layer.kernel_size, layer.stride, d, layer.ceil_mode)
        case nn.AvgPool1d():
            p = layer.padding
            return windows(L, p, p, layer.kernel_size, layer.stride, 1, layer.ceil_mode)
        case nn.LPPool1d():
            return windows(L, 0, 0, layer.kernel_size, layer.stride, 1, layer.ceil_mode)
        case nn.ConvTranspose1d():
            K, s, p, d = layer.kernel_size, layer.stride, layer.padding, layer.dilation
            o = layer.output_padding
            T = (L - 1) * s - 2 * p + d * (K - 1) + o + 1
            rule = "(L - 1)*stride - 2*padding + dilation*(kernel_size - 1) + output_padding + 1"
            return T, f"{rule}\n= {L - 1}*{s} - 2*{p} + {d}*{K - 1} + {o} + 1 = {T}"
        case nn.AdaptiveAvgPool1d() | nn.AdaptiveMaxPool1d():
            return layer.output_size, f"output_size = {layer.output_size}, whatever L is"
        case _Pad():
            left, right = layer.padding
            return L + left + right, f"L + left + right = {L} + {left} + {right}"
    return None


def windows(L: int, left: int, right: int, K: int, stride: int, dilation: int, up: bool) -> Worked:
    """floor((L + left + right - dilation*(K - 1) - 1) / stride) + 1, or its ceiling."""
    room = L + left + right - dilation * (K - 1) - 1
    floor = "ceil" if up else "floor"
    T = -(-room // stride) + 1 if up else room // stride + 1
    text = (
        f"{floor}((L + left + right - dilation*(kernel_size - 1) - 1) / stride) + 1\n"
        f"= {floor}(({L} + {left} + {right} - {dilation}*{K - 1} - 1) / {stride}) + 1\n"
        f"= {floor}({room} / {stride}) + 1 = {T}"
    )
    if up and (T - 1) * stride >= L + left:
        T -= 1
        text += f", less one that would begin in the right padding: {T}"
    return T, text


def reach(layer: Any) -> str | None:
    """How the receptive field of a single sliding layer follows from its options."""
    match layer:
        case nn.Conv1d() | nn.MaxPool1d():
            return f"dilation*(kernel_size - 1) + 1 = {layer.dilation}*{layer.kernel_size - 1} + 1"
        case nn.AvgPool1d() | nn.LPPool1d():
            return f"kernel_size = {layer.kernel_size}"
    return None
