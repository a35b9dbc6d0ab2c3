"""Is it right, and if not, what is wrong? Gradients, and whole functions."""

from lucid.check.comparison import CompareReport, compare
from lucid.check.gradients import gradcheck, gradgradcheck
from lucid.check.report import CheckError, GradcheckReport, InputReport

__all__ = [
    "CheckError", "CompareReport", "GradcheckReport", "InputReport", "compare", "gradcheck",
    "gradgradcheck",
]  # fmt: skip
