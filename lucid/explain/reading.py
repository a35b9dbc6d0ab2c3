"""Which inputs an output is made from.

What one output of a layer reads is a block: along each axis of the input some indices, and of these
every combination. So a set of inputs is one tuple of indices per axis, and ``sources`` turns the
block that is wanted of the output into the block that is read of the input. What an entire model
reads follows from the last layer back to the first.

Along a signal that has no ends, what is read follows from ``taps`` alone; at its ends a padding
mode says what stands there (``pad_index``, the same function that the kernels' twins use).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from lucid import nn
from lucid._ext.numpy_twins import pad_index
from lucid.explain.running import Call, is_lucids_own
from lucid.nn.activation import Activation, OverAxis
from lucid.nn.layer_norm import LastAxesNorm
from lucid.nn.module import Module
from lucid.nn.padding import _Pad
from lucid.nn.recurrence import Recurrent
from lucid.ops.conv import PADDING_MODES, pads
from lucid.ops.pool import bins

Block: TypeAlias = tuple[tuple[int, ...], ...]
Shape: TypeAlias = tuple[int, ...]

SLIDING = nn.Conv1d | nn.ConvTranspose1d | nn.MaxPool1d | nn.AvgPool1d | nn.LPPool1d | _Pad
BINNED = nn.AdaptiveAvgPool1d | nn.AdaptiveMaxPool1d
POINTWISE = (
    Activation | nn.Dropout | nn.Identity | nn.PReLU | nn.Sigmoid | nn.LogSigmoid | nn.Tanh
    | nn.Softsign
)  # fmt: skip


# ------------------------------------------------------------------------------ along the signal


def taps(layer: Any, t: int) -> list[int]:
    """The positions that output t of a sliding layer reads, on a signal without ends.

    Position 0 is the first of the input; what is less stands in the padding.
    """
    match layer:
        case nn.Conv1d():
            left, _ = pads(layer.padding, layer.kernel_size, layer.dilation)
            start, steps = t * layer.stride - left, layer.kernel_size
            return [start + k * layer.dilation for k in range(steps)]
        case nn.ConvTranspose1d():
            found = [t + layer.padding - k * layer.dilation for k in range(layer.kernel_size)]
            return [j // layer.stride for j in found if j % layer.stride == 0]
        case nn.MaxPool1d():
            start = t * layer.stride - layer.padding
            return [start + k * layer.dilation for k in range(layer.kernel_size)]
        case nn.AvgPool1d():
            return [t * layer.stride - layer.padding + k for k in range(layer.kernel_size)]
        case nn.LPPool1d():
            return [t * layer.stride + k for k in range(layer.kernel_size)]
    return [t - layer.padding[0]]  # a padding layer


def mode_of(layer: Any) -> str:
    """What stands beyond the ends of a sliding layer's input."""
    if isinstance(layer, _Pad):
        return layer.mode
    return layer.padding_mode if isinstance(layer, nn.Conv1d) else "zeros"


def places(positions: Iterable[int], L: int, mode: str) -> list[int]:
    """Where in the input each position is found; -1 for one that is not."""
    number = PADDING_MODES.get(mode, 0)  # padding layers say "constant" for what is no input
    found: list[int] = pad_index(np.array(list(positions), dtype=np.intp), L, number).tolist()
    return found


def along(layer: Any, ts: Iterable[int], L: int) -> tuple[int, ...]:
    """All positions of an input of length L that outputs at ``ts`` read."""
    wanted = {i for t in ts for i in taps(layer, t)}
    return tuple(sorted({i for i in places(wanted, L, mode_of(layer)) if i >= 0}))


def channels(layer: Any, cs: Iterable[int], C: int) -> tuple[int, ...]:
    """The channels that output channels read: those of their groups."""
    if not isinstance(layer, nn.Conv1d | nn.ConvTranspose1d):
        return tuple(cs)
    width, per_group = C // layer.groups, layer.out_channels // layer.groups
    groups = sorted({c // per_group for c in cs})
    return tuple(c for g in groups for c in range(g * width, (g + 1) * width))


# ------------------------------------------------------------------------------------- one layer


def sources(layer: Module, shape: Shape, wanted: Block) -> Block | None:
    """The block of an input of ``shape`` that a block of the output is made from; None: unknown."""
    if not is_lucids_own(layer):
        return None
    every = tuple(tuple(range(n)) for n in shape)
    match layer:
        case _ if isinstance(layer, SLIDING):
            return (
                *wanted[:-2],
                channels(layer, wanted[-2], shape[-2]),
                along(layer, wanted[-1], shape[-1]),
            )
        case _ if isinstance(layer, BINNED):
            starts, ends = bins(shape[-1], layer.output_size)
            read = {i for t in wanted[-1] for i in range(starts[t], ends[t])}
            return (*wanted[:-1], tuple(sorted(read)))
        case nn.Linear():
            return (*wanted[:-1], every[-1])
        case nn.BatchNorm1d() if layer.training or layer.running_mean is None:
            return (every[0], wanted[1], *every[2:])
        case nn.InstanceNorm1d() if layer.training or layer.running_mean is None:
            return (*wanted[:-1], every[-1])
        case nn.BatchNorm1d() | nn.InstanceNorm1d():
            return wanted
        case nn.GroupNorm():
            size = shape[1] // layer.num_groups
            groups = sorted({c // size for c in wanted[1]})
            inside = tuple(c for g in groups for c in range(g * size, (g + 1) * size))
            return (wanted[0], inside, *every[2:])
        case LastAxesNorm():
            kept = len(shape) - len(layer._check_inferred(layer.normalized_shape))
            return (*wanted[:kept], *every[kept:])
        case Recurrent():
            return of_steps(layer, shape, wanted)
        case nn.Flatten():
            return unflattened(shape, wanted, every)
        case OverAxis():
            return over_axis(layer, shape, wanted, every)
        case _ if isinstance(layer, POINTWISE):
            return wanted
    return None


def of_steps(layer: Recurrent, shape: Shape, wanted: Block) -> Block:
    """All features of all steps up to the wanted one; of all steps, if both ways are gone."""
    axis = 1 if layer.batch_first and len(shape) == 3 else 0
    until = shape[axis] if layer.bidirectional else max(wanted[axis]) + 1
    read = list(wanted)
    read[axis], read[-1] = tuple(range(until)), tuple(range(shape[-1]))
    return tuple(read)


def unflattened(shape: Shape, wanted: Block, every: Block) -> Block | None:
    """Where flattened numbers were, if these are one number, or all of them, of a sample."""
    if len(wanted) != 2 or len(shape) < 2:
        return None
    if len(wanted[1]) == math.prod(shape[1:]):
        return (wanted[0], *every[1:])
    if len(wanted[1]) == 1:
        place = np.unravel_index(wanted[1][0], shape[1:])
        return (wanted[0], *((int(i),) for i in place))
    return None


def over_axis(layer: OverAxis, shape: Shape, wanted: Block, every: Block) -> Block:
    """Softmax reads all of its axis; GLU two numbers, half the axis apart."""
    axis, read = layer.dim % len(shape), list(wanted)
    read[axis] = every[axis]
    if isinstance(layer, nn.GLU):
        half = shape[axis] // 2
        read[axis] = tuple(sorted({i + j for i in wanted[axis] for j in (0, half)}))
    return tuple(read)


# -------------------------------------------------------------------------------- chains of layers


def chain_to(calls: Sequence[Call], outputs: Any, inputs: Any) -> list[Call] | None:
    """The calls, in order, that lead from one tensor to another; None if not calls alone do.

    A call is on the chain if it was given the very tensor that the one before it returned: what a
    ``forward`` computes by itself, between two layers, interrupts the chain.
    """
    chain: list[Call] = []
    spot = outputs
    callers = {id(call.caller) for call in calls}
    for call in reversed(calls):
        if id(call) in callers:  # what it does is what the calls inside it do
            continue
        if call.outputs and call.outputs[0] is spot and len(call.inputs) == 1:
            chain.insert(0, call)
            spot = call.inputs[0]
    return chain if chain and spot is inputs else None


def sources_of_chain(chain: Sequence[Call], wanted: Block) -> Block | None:
    """The block of the first layer's input that a block of the last one's output is made from."""
    block: Block | None = wanted
    for call in reversed(chain):
        if block is None or call.shapes is None:
            return None
        block = sources(call.module, call.shapes[0], block)
    return block


def receptive_field(chain: Sequence[Call]) -> int | None:
    """How many positions, first to last, an output is made from, padding included; None: unknown.

    Of a layer that reads all positions it is the length of the model's input.
    """
    shapes = [call.shapes for call in chain]
    if not shapes or shapes[0] is None or None in shapes or len(shapes[0][0]) != 3:
        return None
    kinds = [kind_along(call) for call in chain]
    if None in kinds:
        return None
    if "all" in kinds:
        return shapes[0][0][-1]
    sliding = [call for call, kind in zip(chain, kinds, strict=True) if kind == "some"]
    # A transposed convolution treats each of its phases differently: look at every one of them.
    ups = [call.module.stride for call in sliding if isinstance(call.module, nn.ConvTranspose1d)]
    spans = []
    for t in range(math.prod(ups)):
        read = {t}
        for call in reversed(sliding):
            read = {i for j in read for i in taps(call.module, j)}
        spans.append(max(read) - min(read) + 1 if read else 0)
    return max(spans)


def kind_along(call: Call) -> str | None:
    """How much of the positions of its input an output of a layer reads: one, some, all."""
    layer, shapes = call.module, call.shapes
    if shapes is None or not is_lucids_own(layer):
        return None
    match layer:
        case _ if isinstance(layer, SLIDING):
            return "some"
        case _ if isinstance(layer, BINNED):
            return "all" if layer.output_size == 1 else None
        case nn.Flatten():
            return "one"
        case nn.GLU() if layer.dim in (-1, len(shapes[0]) - 1):
            return None
        case Recurrent():
            return None
    block = sources(layer, shapes[0], tuple((0,) for _ in shapes[1]))
    return None if block is None else "all" if len(block[-1]) > 1 else "one"
