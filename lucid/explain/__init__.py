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

Nothing of it is loaded by ``import lucid``: it has to be imported by its own name.

>>> import lucid.nn as nn
>>> from lucid.explain import explain
>>> explain(nn.LazyConv1d(8, kernel_size=3, dilation=4), (1, 12, 29)).receptive_field
9
"""

from lucid.explain.graph import Graph, graph
from lucid.explain.layer import Explanation, explain
from lucid.explain.table import Row, Summary, summary

__all__ = ["Explanation", "Graph", "Row", "Summary", "explain", "graph", "summary"]
