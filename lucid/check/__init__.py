"""Is it right, and if not, what is wrong? Gradients, and whole functions.

    gradients.py    gradcheck: backward beside finite differences, at every number
    function.py     what is checked: a function of tensors, a module, a pair of NumPy functions
    differences.py  finite differences, and where there are none: kinks, rounding
    diagnose.py     from wrong gradients to a known mistake
    calls.py        what a few more calls tell: random numbers, float32, a clamped gradient
    mistakes.py     the mistakes, each as what the Jacobian would then be
    misplaced.py    those that put numbers at wrong places, or leave some out
    pair.py         the evidence: the Jacobian of backward beside the right one
    picture.py      where the error lives
    report.py       what gradcheck found, to read

    comparison.py   compare: a function beside one that is right
    cases.py        arguments: described, given or generated; probes
    outcome.py      a call, and what differs in what it returns
    shrink.py       the smallest case that still fails
    explain.py      why it fails

>>> import lucid
>>> x = lucid.tensor([1.0, 2.0], dtype="float64", requires_grad=True)
>>> lucid.check.gradcheck(lambda x: x.exp(), x)
gradcheck: right, all 2 numbers of the gradient of x
"""

from lucid.check.comparison import CompareReport, compare
from lucid.check.gradients import gradcheck, gradgradcheck
from lucid.check.report import CheckError, GradcheckReport, InputReport

__all__ = [
    "CheckError", "CompareReport", "GradcheckReport", "InputReport", "compare", "gradcheck",
    "gradgradcheck",
]  # fmt: skip
