"""How much of a convolution can be drawn, and what to leave out of one that is larger."""

from __future__ import annotations

from typing import NamedTuple

from lucid.errors import ShapeError
from lucid.ops.conv import Geometry
from lucid.types import Array

# What can still be told apart in a picture: positions, rows, weights in a row, weights in one sum,
# and steps.
LONGEST, CHANNELS, TAPS, TERMS, STEPS = 32, 16, 12, 72, 96
ROWS = 6 * STEPS  # of input channels in all steps: what a file can hold and is looked at


class Options(NamedTuple):
    """What ``F.conv1d`` and ``F.conv_transpose1d`` are told besides their tensors."""

    stride: int = 1
    padding: int | str = 0
    dilation: int = 1
    groups: int = 1
    padding_mode: str = "zeros"
    transposed: bool = False
    output_padding: int = 0
    causal: bool = False


def first_channels(
    x: Array, w: Array, b: Array | None, geometry: Geometry, shape: tuple[int, int, int]
) -> tuple[Array, Array, Array | None, Geometry, tuple[int, int, int]]:
    """The first output channels, with all that they are made from, if there are too many.

    None of them knows of the others, so the numbers of those that are shown stay as they are.
    """
    N, out_channels, T = shape
    groups = geometry.groups
    each, per_group = w.shape[1], out_channels // groups
    steps = min(STEPS, ROWS // min(x.shape[1], CHANNELS))
    most = max(1, min(steps // max(T, 1), CHANNELS))
    if out_channels <= most and each * groups <= CHANNELS:
        return x, w, b, geometry, shape
    kept_groups = max(1, min(groups, most // per_group, CHANNELS // each))
    kept = min(most, kept_groups * per_group)
    part = x[:, : kept_groups * each], w[:kept], None if b is None else b[:kept]
    return *part, geometry._replace(groups=kept_groups), (N, kept, T)


def check_drawable(
    whole_x: tuple[int, ...],
    whole_w: tuple[int, ...],
    whole_b: tuple[int, ...] | None,
    x: tuple[int, ...],
    w: tuple[int, ...],
    y: tuple[int, ...],
    geometry: Geometry,
    options: Options,
    backward: bool,
) -> None:
    """One sample, and no more cells and steps than can be told apart."""
    if x[0] != 1:
        raise ShapeError(
            "an animation shows one sample, for all are treated alike: got an input of shape "
            f"{x}\n  try: x[:1]"
        )
    long, short = (y, x) if options.transposed else (x, y)
    sizes = {
        "positions with the padding": (geometry.left + long[2] + geometry.right, LONGEST),
        "channels": (max(x[1], y[1]), CHANNELS),
        "taps": (w[2], TAPS),
        "weights in one window": (w[1] * w[2], TERMS),
        "steps (one for each channel and position)": (short[1] * short[2], STEPS),
    }
    over = [f"{got} {what}, at most {most}" for what, (got, most) in sizes.items() if got > most]
    if over:
        raise ValueError(
            f"an animation draws every number, so it has to be small: got {'; '.join(over)}\n"
            f"  try: {smaller_call(whole_x, whole_w, whole_b is not None, options, backward)}\n"
            "  or a smaller example of the same kind: "
            f"animate_conv1d(length=8, stride={min(geometry.stride, 4)}, "
            f"dilation={min(geometry.dilation, 2)})"
        )


def smaller_call(
    x: tuple[int, ...], w: tuple[int, ...], has_bias: bool, options: Options, backward: bool
) -> str:
    """The call for a piece of the tensors that is small enough: fewer channels, positions, taps."""
    groups = options.groups
    in_each, out_each = x[1] // groups, w[0] // groups
    if options.transposed:
        out_each = w[1]
    both = groups > 1 and max(in_each, out_each) <= 2  # then two whole groups fit
    n, least = (2, 2) if both else (1, 3)
    c_in, c_out = min(in_each, least), min(out_each, least)
    taps = min(w[2], 4)
    dilation, stride = min(options.dilation, 3), min(options.stride, 4)
    length = min(x[2], 4 if options.transposed else 12)
    first, second = (n * c_in, c_out) if options.transposed else (n * c_out, c_in)
    arguments = [f"x[:, :{n * c_in}, :{length}]", f"weight[:{first}, :{second}, :{taps}]"]
    if has_bias:
        arguments.append(f"bias[:{n * c_out}]")
    padding = options.padding
    if not isinstance(padding, str):
        window = dilation * (taps - 1) + 1
        if options.transposed:
            most = min(2, ((length - 1) * stride + window - 1) // 2)  # of which something is left
        else:
            most = max(2, -(-(window - length) // 2))  # so that the window fits in
        padding = min(padding, most)
    smaller = options._replace(stride=stride, padding=padding, dilation=dilation, groups=n,
                               output_padding=0)  # fmt: skip
    usual = Options()._asdict()
    arguments += [f"{name}={v!r}" for name, v in smaller._asdict().items() if v != usual[name]]
    return f"animate_conv1d({', '.join([*arguments, *['backward=True'] * backward])})"
