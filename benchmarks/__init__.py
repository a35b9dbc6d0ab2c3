"""How fast lucid is, beside PyTorch and ONNX Runtime: ``python -m benchmarks --help``.

    __main__.py   the command
    shapes.py     which convolutions are measured (``conv1d_shapes.csv``, ``more_shapes.csv``)
    timing.py     how: all contestants in one process, in turns, medians
    conv.py       conv1d, forward, and forward with backward
    models.py     six models, written once for both frameworks
    steps.py      their whole training steps
    calls.py      what one small call costs, layer by layer, and what an import costs
    memory.py     how much memory a forward needs beyond its input and output
    machine.py    what all this ran on, and the limit that its multipliers set
    targets.py    what was aimed at, and whether it was reached
    report.py     results as tables, in Markdown and reStructuredText;  plot.py: as a picture

A time on a shared machine proves nothing by itself. What counts here are ratios of times that were
taken side by side.
"""
