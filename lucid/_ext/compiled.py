"""The compiled kernels by the names that their NumPy twins have, gathered from their modules."""

from lucid._ext.conv1d import (
    conv1d_forward,
    conv1d_input_grad,
    conv1d_weight_grad,
    fma_limit,
    simd_level,
)
from lucid._ext.threads import get_threads, has_openmp, have_been_used, set_threads

__all__ = [
    "conv1d_forward",
    "conv1d_input_grad",
    "conv1d_weight_grad",
    "fma_limit",
    "get_threads",
    "has_openmp",
    "have_been_used",
    "set_threads",
    "simd_level",
]
