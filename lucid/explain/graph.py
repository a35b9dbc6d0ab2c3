"""The autograd graph of a tensor, as a list of boxes; ``drawing.py`` makes the picture."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lucid import notebook
from lucid.autograd import Function, is_tensor
from lucid.backward import place, users_first
from lucid.explain.drawing import Box, draw
from lucid.nn.module import Module
from lucid.nn.parameter import Parameter
from lucid.tensor import Tensor

__all__ = ["Graph", "graph"]


class Graph:
    """What ``graph`` has found: printed it is a list, in a notebook a picture.

    Parameters
    ----------
    boxes : list of Box
        The ops, and the tensors that they begin with, each after all that it is computed from.

    Attributes
    ----------
    svg : str
        The picture, a file of its own: it needs no style sheet, and fits light and dark pages.
    title : str
        How many ops and tensors of each kind there are.

    Examples
    --------
    >>> import lucid
    >>> from lucid.explain import graph
    >>> found = graph(lucid.ones(3, requires_grad=True).sum())
    >>> [(box.kind, box.label, box.shape) for box in found.boxes]
    [('leaf', 'leaf 0', (3,)), ('op', 'Sum', ())]
    >>> found.svg.startswith("<svg")
    True
    """

    def __init__(self, boxes: list[Box]) -> None:
        self.boxes = boxes
        self.title = title(boxes)

    @property
    def svg(self) -> str:
        """The picture as SVG."""
        return draw(self.boxes, self.title)

    def save(self, path: str | Path) -> None:
        """Write the picture to a file, ``graph.svg``."""
        path = Path(path)
        if path.suffix != ".svg":
            raise ValueError(
                f"a graph is saved as .svg, got {path.name!r}\n"
                f"  try: {path.with_suffix('.svg').name!r}"
            )
        path.write_text(self.svg, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return notebook.page(self.title, self.svg)

    def __repr__(self) -> str:
        known = {i: box.label if box.kind != "op" else f"%{i}" for i, box in enumerate(self.boxes)}
        lines = [self.title]
        wide = max(len(known[i]) for i in range(len(self.boxes)))
        for i, box in enumerate(self.boxes):
            taken = ", ".join(known[source] for source in box.sources)
            what = f"{box.label}({taken})" if box.kind == "op" else box.kind
            lines.append(f"{known[i]:{wide}} = {what}  {box.shape}")
        return "\n".join(lines)


def graph(
    y: Tensor, names: Mapping[str, Tensor] | None = None, model: Module | None = None
) -> Graph:
    """The autograd graph behind a tensor: the ops that ``backward`` will walk through.

    In the picture numbers flow from top to bottom. Ops are boxes with the name of their class and
    the shape of their output; parameters and other leaves are round, tensors that need no gradient
    have a dashed border. Pointing at a box shows the op's formula, or what is known of the tensor.

    Parameters
    ----------
    y : Tensor
        Where the graph ends: a loss, before its ``backward()``.
    names : mapping of str to Tensor, optional
        What to call tensors by, leaves or not, of any shape: ``{"x": x}``.
    model : Module, optional
        Whose parameters and buffers are called by their paths.

    Returns
    -------
    Graph
        With the picture as ``svg``, and ``save("graph.svg")``; a notebook shows it, and printing it
        gives a list, one op a line.

    Raises
    ------
    TypeError
        If ``y`` is no tensor.
    RuntimeError
        If there is no graph: nothing was recorded, or ``backward()`` has freed it.

    Notes
    -----
    A tensor that needs no gradient is drawn where an op has kept it. A line that would pass many
    layers (from a weight that every step of a long loop uses, say) is not drawn: the box that it
    leads to names its other end instead.

    Examples
    --------
    >>> import lucid
    >>> from lucid.explain import graph
    >>> w = lucid.tensor([1.0, 2.0], requires_grad=True)
    >>> x = lucid.tensor([3.0, 4.0])
    >>> graph(((w * x).sum() - 1) ** 2, names={"w": w, "x": x})
    4 ops, 1 leaf, 1 tensor without gradient
    w  = leaf  (2,)
    x  = data  (2,)
    %2 = Mul(w, x)  (2,)
    %3 = Sum(%2)  ()
    %4 = Sub(%3)  ()
    %5 = Pow(%4)  ()
    """
    if not is_tensor(y):
        raise TypeError(f"graph takes a tensor, got {type(y).__name__}\n  try: graph(model(x))")
    if y.grad_fn is None:
        raise RuntimeError(
            "this tensor has no graph: nothing that requires a gradient was recorded for it\n"
            "  try: compute it outside no_grad(), from parameters or tensors with "
            "requires_grad=True"
        )
    spots = all_spots(y)
    return Graph(boxes_of(y, spots, called(names or {}, model)))


def all_spots(y: Tensor) -> list[Function | Tensor]:
    """Every node and leaf behind y, each after all that it is computed from."""
    try:
        order = users_first([place(y)])
    except RuntimeError:
        raise RuntimeError(
            "the graph behind this tensor is gone: backward() has freed it\n"
            "  try: graph(loss) before loss.backward(), or loss.backward(retain_graph=True)"
        ) from None
    return order[::-1]


def called(names: Mapping[str, Tensor], model: Module | None) -> dict[int, str]:
    """The names of tensors, by the id of their place in the graph."""
    found: dict[int, str] = {}
    if model is not None:
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            found[id(tensor)] = name
    for name, tensor in names.items():
        if not is_tensor(tensor):
            raise TypeError(f"names are of tensors, got {type(tensor).__name__} for {name!r}")
        found[id(place(tensor))] = name
    return found


def boxes_of(y: Tensor, spots: list[Function | Tensor], names: dict[int, str]) -> list[Box]:
    """A box for each op, each leaf, and each tensor that an op has kept without its gradient."""
    shapes = {id(place(y)): y.shape}  # of outputs: what the ops that take them know
    for spot in spots:
        if isinstance(spot, Function):
            for edge, shape in zip(spot.edges or (), spot.shapes, strict=True):
                shapes[id(edge)] = shape
    boxes: list[Box] = []
    numbers: dict[int, int] = {}  # of the boxes, by the id of what they show
    for spot in spots:
        if not isinstance(spot, Function):
            numbers[id(spot)] = len(boxes)
            boxes.append(box_of_tensor(spot, names.get(id(spot)), len(boxes)))
            continue
        taken = []
        for source in taken_by(spot, names):
            if id(source) not in numbers:
                numbers[id(source)] = len(boxes)
                boxes.append(box_of_tensor(source, names.get(id(source)), len(boxes)))
            taken.append(numbers[id(source)])
        numbers[id(spot)] = len(boxes)
        op = type(spot).__name__
        name = names.get(id(spot))
        tip = [op, formula(spot), f"output {shapes[id(spot)]}"]
        boxes.append(Box(
            "op", f"{name} = {op}" if name else op, shapes[id(spot)], tuple(taken),
            "\n".join(line for line in tip if line),
        ))  # fmt: skip
    return boxes


def taken_by(node: Function, names: dict[int, str]) -> Iterator[Any]:
    """Where inputs of a node are from; of those without gradient, what is more than a number."""
    for i, edge in enumerate(node.edges or ()):
        if edge is not None:
            yield edge
        elif node.reads_inputs:
            kept = node._inputs[i]
            if kept.ndim or id(kept) in names:
                yield kept


def box_of_tensor(tensor: Tensor, name: str | None, number: int) -> Box:
    """A leaf, or a tensor without gradient."""
    kind = "data"
    if tensor.requires_grad:
        kind = "parameter" if isinstance(tensor, Parameter) else "leaf"
    lines = [f"{name or kind} {tensor.shape}, {tensor.dtype.name}"]
    if kind != "data":
        lines.append("has a gradient" if tensor._grad is not None else "no gradient yet")
    return Box(kind, name or f"{kind} {number}", tensor.shape, (), "\n".join(lines))


def formula(node: Function) -> str:
    """The first line of the op's docstring."""
    return (inspect.getdoc(type(node)) or "").split("\n")[0]


def title(boxes: list[Box]) -> str:
    """12 ops, 4 parameters"""
    words = {
        "op": ("op", "ops"), "parameter": ("parameter", "parameters"), "leaf": ("leaf", "leaves"),
        "data": ("tensor without gradient", "tensors without gradient"),
    }  # fmt: skip
    counts = {kind: sum(box.kind == kind for box in boxes) for kind in words}
    return ", ".join(f"{n} {words[kind][n > 1]}" for kind, n in counts.items() if n)
