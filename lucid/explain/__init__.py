"""The framework explains what it did.

    running.py   a model run on a copy, without a trace
    reading.py   which inputs an output is made from
    counting.py  lengths, parameters and multiply-adds, written out
    sums.py      one output, worked out
    layer.py     explain: a layer in words and numbers
    table.py     summary: a model as a table
    graph.py     graph: the autograd graph as a list
    layout.py    where the boxes of a picture go
    drawing.py   the picture, as SVG
    animate.py   animate_conv1d: a convolution, step by step; animate_*.py are its parts

It is loaded when it is first asked for, as ``lucid.explain`` or by an import of its own.

>>> import lucid
>>> layer = lucid.nn.LazyConv1d(8, kernel_size=3, dilation=4)
>>> lucid.explain.explain(layer, (1, 12, 29)).receptive_field
9
"""

from lucid.explain.animate import Animation, Frame, animate_conv1d
from lucid.explain.graph import Graph, graph
from lucid.explain.layer import Explanation, explain
from lucid.explain.table import Row, Summary, summary

__all__ = [
    "Animation", "Explanation", "Frame", "Graph", "Row", "Summary", "animate_conv1d", "explain",
    "graph", "summary",
]  # fmt: skip
