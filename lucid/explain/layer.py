"""What one layer, or a chain of them, does to an input: in words and numbers."""

from __future__ import annotations

import inspect
import itertools
import math
import textwrap
from collections.abc import Sequence
from typing import Any

from lucid import nn, notebook
from lucid.autograd import is_tensor
from lucid.cures import cure
from lucid.errors import AxisError
from lucid.explain import counting, reading
from lucid.explain.reading import SLIDING, Block
from lucid.explain.running import Call, Inputs, Run, check_model, is_lucids_own
from lucid.explain.sums import Sum, number, one_output
from lucid.nn.lazy import LazyMixin
from lucid.nn.module import Module

__all__ = ["Explanation", "explain"]

WIDTH = 100
UNKNOWN = "not known: forward computes something between or instead of layers"


class Explanation:
    """What ``explain`` has found; printing it, or showing it in a notebook, writes it out.

    Parameters
    ----------
    title : str
        The layer, as the first line has it.
    run : Run
        What happened when a copy of it was called: what goes in and out is read from there.

    Attributes
    ----------
    input_shape, output_shape : tuple of int
        Of the first input and the first output.
    inferred : str
        What a lazy layer that waits would infer from this input, ``"in_channels=12"``; or "".
    parameters : int
        How many numbers are learned.
    receptive_field : int or None
        Positions from the first to the last that one output is made from, padding included.
    multiply_adds : int or None
        How often a number is multiplied by a learned weight.
    at : tuple of int
        The output that is looked at.
    touches : tuple of tuple of int, or None
        For each axis of the input the indices that it is made from.
    sum : Sum or None
        That output written out: ``symbols``, ``numbers``, the ``value`` they make and the
        ``output`` of the layer. Without numbers in the input there is no sum.
    rows : list of (str, str)
        What is printed.

    Examples
    --------
    >>> import lucid.nn as nn
    >>> from lucid.explain import explain
    >>> found = explain(nn.LazyConv1d(8, kernel_size=3, stride=2), (4, 2, 16), at=(0, 0, 1))
    >>> found.inferred, found.output_shape, found.receptive_field, found.touches
    ('in_channels=2', (4, 8, 7), 3, ((0,), (0, 1), (2, 3, 4)))
    """

    def __init__(self, title: str, run: Run) -> None:
        call = run.calls[0]
        assert call.shapes is not None  # checked by explain
        self.title = title
        self.input_shape, self.output_shape = call.shapes
        self.inferred = call.inferred
        self.parameters = sum(p.numel() for p in run.copy.parameters())
        self.receptive_field: int | None = None
        self.multiply_adds: int | None = None
        self.at: tuple[int, ...] = ()
        self.touches: Block | None = None
        self.sum: Sum | None = None
        self.rows: list[tuple[str, str]] = []

    def __repr__(self) -> str:
        wide = max(len(label) for label, _ in self.rows) + 2
        lines = [self.title]
        for label, text in self.rows:
            parts = [part for line in text.split("\n") for part in wrapped(line, WIDTH - wide)]
            lines += [f"{label if i == 0 else '':{wide}}{part}" for i, part in enumerate(parts)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return notebook.page(self.title, notebook.table(self.rows))


def explain(layer: Module, x: Inputs, at: Sequence[int] | None = None) -> Explanation:
    """What a layer does to an input: its arithmetic, and the sum for one output.

    A copy of the layer is run, so nothing about the layer changes: one that is lazy still waits,
    running averages and random numbers stay where they are, hooks are not called. A layer by
    itself is run in its mode; a model of several layers as in use, after ``eval()``.

    Parameters
    ----------
    layer : Module
        A layer or a model.
    x : Tensor, shape, or tuple of these
        Its input; a tuple of them for several. A shape (a tuple of ints) will do, but then there
        are no numbers to add up.
    at : sequence of int, optional
        The index (n, c, t) of the output to look at; by default one of the first sample and channel
        in the middle of the signal.

    Returns
    -------
    Explanation
        An object with everything as attributes, that prints itself.

    Raises
    ------
    TypeError
        If ``layer`` is no module, or ``x`` no input.
    AxisError
        If the output has no index ``at``. Errors of the layer come as they are.

    Notes
    -----
    Multiply-adds are products of a number with a learned weight: those of convolutions, linear and
    recurrent layers, and the scales of norms; a zero of the padding counts as any other number.
    The receptive field counts positions from the first to the last that is read [1]_: a layer with
    ``stride`` s between its outputs multiplies by s what all layers after it add.

    References
    ----------
    .. [1] A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural
       Networks", Distill, 2019, doi:10.23915/distill.00021.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> from lucid.explain import explain
    >>> conv = nn.Conv1d(1, 1, kernel_size=2, padding=1, padding_mode="replicate")
    >>> conv.weight.data = lucid.tensor([[[0.5, -1.0]]])
    >>> conv.bias.data = lucid.tensor([2.0])
    >>> explain(conv, lucid.tensor([[[1.0, 3.0, 2.0]]]), at=(0, 0, 0))
    Conv1d(in_channels=1, out_channels=1, kernel_size=2, padding=1, padding_mode='replicate')
    what it does     Slide learned kernels over a signal.
    input            (1, 1, 3) float32
    output           (1, 1, 4) float32
    length           floor((L + left + right - dilation*(kernel_size - 1) - 1) / stride) + 1
                     = floor((3 + 1 + 1 - 1*1 - 1) / 1) + 1
                     = floor(3 / 1) + 1 = 4
    parameters       3 = weight (1, 1, 2): 2 + bias (1,): 1
    receptive field  2 positions: dilation*(kernel_size - 1) + 1 = 1*1 + 1
    multiply-adds    8: N*C_out*L_out*(C_in/groups)*kernel_size = 1*1*4*1*2
    y[0,0,0]         reads x[0, 0, 0], 1 of the 3 numbers of its sample
                     at positions -1 (replicate: 0), 0
                     = b[0] + w[0,0,0]*x[0,0,0] + w[0,0,1]*x[0,0,0]
                     = 2 + 0.5*1 + (-1)*1
                     = 1.5, as the layer computes
    """
    check_model(layer, "explain")
    if not isinstance(layer, Module):  # said again for the type checker
        raise TypeError
    single = not list(layer.children())
    run = Run(layer, x, in_use=not single)
    call = run.calls[0]
    if call.shapes is None:
        raise TypeError(f"{type(layer).__name__} has no tensor for its input, or for its output")
    found = Explanation(first_line(repr(layer)), run)
    found.at = checked_at(at, found.output_shape)
    chain = [call] if single else reading.chain_to(run.calls, call.outputs[0], call.inputs[0])
    if chain is not None:
        found.receptive_field = reading.receptive_field(chain)
        if 0 not in found.output_shape:
            found.touches = reading.sources_of_chain(chain, tuple((i,) for i in found.at))
    if single and is_tensor(x) and 0 not in found.output_shape:
        found.sum = one_output(call, found.at)
    write(found, run, chain, single)
    return found


def checked_at(at: Sequence[int] | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    """An index of the output, counted from the front."""
    if at is None:
        middle = shape[-1] // 2 if len(shape) > 2 else 0
        return (*[0] * (len(shape) - 1), middle) if shape else ()
    if len(at) != len(shape) or not all(-n <= i < n for i, n in zip(at, shape, strict=True)):
        last = None if 0 in shape else tuple(n - 1 for n in shape)
        raise AxisError(
            f"the output has shape {shape}, and no index {tuple(at)}" + cure(f"at={last}")
        )
    return tuple(i % n for i, n in zip(at, shape, strict=True))


# ------------------------------------------------------------------------------------ written out


def write(found: Explanation, run: Run, chain: list[Call] | None, single: bool) -> None:
    """Fill the rows of an explanation."""
    call = run.calls[0]
    layer: Any = call.module

    def add(label: str, text: str) -> None:
        found.rows.append((label, text))

    doc = described(layer)
    if doc:
        add("what it does", doc)
    if found.inferred:
        add("lazy", f"waits for its first input; from this one it would infer {found.inferred}")
    elif isinstance(layer, LazyMixin):
        add("lazy", f"has {layer.inferred}={getattr(layer, layer.inferred)}, {layer._origin}")
    add("input", shapes_of(call.inputs))
    add("output", shapes_of(call.outputs))
    length = None
    if single and is_lucids_own(layer):
        length = counting.output_length(layer, found.input_shape[-1])
    if length is not None:
        add("length", length[1])
    add("parameters", parameters(found.parameters, layer))
    if found.receptive_field is not None or not single:
        add("receptive field", field(found, chain or []))
    total, complete = counting.total_multiply_adds(run.calls)
    found.multiply_adds = total if complete else None
    add("multiply-adds", adds(run, single, total, complete))
    if 0 not in found.output_shape:
        add(f"y[{','.join(map(str, found.at))}]", one(found, layer, single))


def parameters(total: int, layer: Module) -> str:
    """296 = weight (8, 12, 3): 288 + bias (8,): 8"""
    own = counting.own_parameters(layer)
    if total and sum(p.numel() for _, p in own) == total:
        parts = [f"{name} {p.shape}: {p.numel():,}" for name, p in own]
        return f"{total:,} = {' + '.join(parts)}"
    return f"{total:,}"


def field(found: Explanation, chain: list[Call]) -> str:
    """The receptive field, and how it comes about."""
    size = found.receptive_field
    if size is None:
        return UNKNOWN if not chain else "not known: not every layer slides along the signal"
    kinds = [reading.kind_along(call) for call in chain]
    if "all" in kinds:
        return f"all {size} positions of the input"
    positions = "1 position" if size == 1 else f"{size} positions"
    if len(chain) == 1:
        rule = counting.reach(chain[0].module)
        return positions if rule is None else f"{positions}: {rule}"
    sliding: list[Any] = [
        call.module for call, kind in zip(chain, kinds, strict=True) if kind == "some"
    ]
    if not sliding or any(isinstance(layer, nn.ConvTranspose1d) for layer in sliding):
        return positions
    jump, parts = 1, ["1"]
    for layer in sliding:
        read = reading.taps(layer, 0)
        parts.append(f"{max(read) - min(read)}*{jump}")
        jump *= min(reading.taps(layer, 1)) - min(read)
    rule = "each layer adds (its reach - 1)*(the strides before it)"
    return f"{positions} = {' + '.join(parts)}\n{rule}"


def adds(run: Run, single: bool, total: int, complete: bool) -> str:
    """The multiply-adds, and how they come about."""
    count = counting.multiply_adds(run.calls[0]) if single else None
    if count is not None:
        return f"{count[0]:,}: {count[1]}"
    if complete:
        return f"{total:,} in all layers"
    return f"{total:,} in the layers of lucid; of what else is computed it is not known"


def one(found: Explanation, layer: Any, single: bool) -> str:
    """What one output reads, and its sum."""
    lines = []
    if found.touches is None:
        lines.append(
            "what it reads is not known" + ("" if single else UNKNOWN.removeprefix("not known"))
        )
    else:
        count = math.prod(len(axis) for axis in found.touches)
        batch = len(found.touches[0]) > 1 and len(found.input_shape) > 1
        whole = math.prod(found.input_shape[0 if batch else 1 :])
        of = "the batch" if batch else "its sample"
        lines.append(
            f"reads x[{', '.join(indices(axis) for axis in found.touches)}], "
            f"{count:,} of the {whole:,} numbers of {of}"
            if count
            else "reads nothing of the input, only padding"
        )
    if single and isinstance(layer, SLIDING) and not isinstance(layer, nn.ConvTranspose1d):
        lines.append(f"at positions {positions(layer, found.at[-1], found.input_shape[-1])}")
    if found.sum is not None:
        lines += [f"= {found.sum.symbols}", f"= {found.sum.numbers}", result(found.sum)]
    return "\n".join(lines)


def positions(layer: Any, t: int, L: int) -> str:
    """-1 (reflect: 1), 0, 1"""
    mode, read = reading.mode_of(layer), reading.taps(layer, t)
    pads = "padding" if isinstance(layer, nn.MaxPool1d) else "padding: 0"
    if isinstance(layer, nn.ConstantPad1d):
        pads = f"padding: {number(layer.value)}"
    parts = []
    for i, place in zip(read, reading.places(read, L, mode), strict=True):
        note = "" if 0 <= i < L else f" ({pads})" if place < 0 else f" ({mode}: {place})"
        parts.append(f"{i}{note}")
    if len(parts) > 9:
        parts[6:-2] = ["..."]
    return ", ".join(parts)


def result(found: Sum) -> str:
    """= 1.5, as the layer computes"""
    same = math.isclose(found.value, found.output, rel_tol=1e-4, abs_tol=1e-5)
    odd = not (math.isfinite(found.value) and math.isfinite(found.output))
    if same or odd:
        return f"= {number(found.value)}, as the layer computes"
    return f"= {found.value:.8g} in double precision; the layer computes {found.output:.8g}"


def indices(axis: Sequence[int]) -> str:
    """3, or 0:12, or 0:12:2, or [1, 2, 5]"""
    if len(axis) == 1:
        return str(axis[0])
    steps = {b - a for a, b in itertools.pairwise(axis)}
    if len(steps) == 1:
        step = steps.pop()
        return f"{axis[0]}:{axis[-1] + 1}" + (f":{step}" if step > 1 else "")
    shown = [str(i) for i in axis]
    if len(shown) > 9:
        shown[6:-2] = ["..."]
    return f"[{', '.join(shown)}]"


def shapes_of(tensors: Sequence[Any]) -> str:
    """(4, 12, 29) float32, for each tensor"""
    return "; ".join(f"{t.shape} {t.dtype.name}" for t in tensors)


def described(layer: Module) -> str:
    """The first line of the docstring, of a lazy layer that of its eager twin; "" without one."""
    kind = next(kind for kind in type(layer).__mro__ if not issubclass(kind, LazyMixin))
    doc = inspect.getdoc(kind) or ""
    # what Module says of itself is inherited by all, and says nothing of this one
    return "" if doc == inspect.getdoc(Module) else first_line(doc)


def first_line(text: str) -> str:
    """The first line; of a repr that goes on, without what is left open."""
    lines = text.strip().split("\n")
    return lines[0] if len(lines) == 1 else lines[0].removesuffix("(")


def wrapped(line: str, width: int) -> list[str]:
    """A line in parts no longer than ``width``, later ones indented."""
    return textwrap.wrap(
        line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    ) or [""]
