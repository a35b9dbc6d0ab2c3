"""Is it right, and if not, what is wrong? Gradients, and whole functions."""

from lucid.check.gradcheck import gradcheck, gradgradcheck
from lucid.check.report import CheckError, GradcheckReport, InputReport

__all__ = ["CheckError", "GradcheckReport", "InputReport", "gradcheck", "gradgradcheck"]
