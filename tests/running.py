"""Ways to run what is tested: the three kernels of a convolution, and another Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import lucid

from configs import MODES, Config
from reference import output_length, pads

ROOT = Path(lucid.__file__).parents[1]


def outputs(config: Config) -> int:
    """L_out."""
    left, right = pads(config.padding, config.K, config.dilation)
    return output_length(config.L, config.K, config.stride, left, right, config.dilation)


def output_grad(config: Config, dtype):
    """What the three faces are tried with, besides ``config.arrays``."""
    shape = config.N, config.O, outputs(config)
    return np.random.default_rng(config.seed + 1).standard_normal(shape).astype(dtype)


def run_kernels(kernels, config: Config, x, w, bias, g):
    """[y, gx, gw] as the three kernels compute them."""
    y, gx, gw = np.empty_like(g), np.empty_like(x), np.empty_like(w)
    for out in (y, gx, gw):
        out.fill(12345.0)  # every number must be written
    left, right = pads(config.padding, config.K, config.dilation)
    mode = MODES.index(config.padding_mode)
    rest = (config.stride, config.dilation, config.groups, left, right, mode)
    with np.errstate(all="ignore"):  # as autograd calls them
        kernels.conv1d_forward(x, w, bias, y, *rest)
        kernels.conv1d_input_grad(g, w, gx, *rest)
        kernels.conv1d_weight_grad(g, x, gw, *rest)
    return [y, gx, gw]


def python(
    *arguments: str, cwd=None, timeout: float = 100, **environment: str
) -> subprocess.CompletedProcess:
    """Run another Python on this lucid; a test fails if it hangs."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True, text=True, env=env, cwd=cwd, check=False, timeout=timeout,
    )  # fmt: skip
