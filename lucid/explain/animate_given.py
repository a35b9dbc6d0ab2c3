"""What is animated: the parts of a layer, and examples for whatever is left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lucid.cures import groups_cure
from lucid.errors import check_size
from lucid.explain.animate_limits import Options
from lucid.nn.conv import Conv1d, ConvLayer
from lucid.nn.conv_transpose import ConvTranspose1d
from lucid.tensor import Tensor
from lucid.types import Array


class Sizes(NamedTuple):
    """The sizes of examples; None where nothing is wished."""

    length: int | None
    kernel_size: int | None
    in_channels: int | None
    out_channels: int | None


# ------------------------------------------------------------------------------------------ a layer


def check_layer_alone(bias: Tensor | None, options: Options, sizes: Sizes) -> None:
    """A layer has all but the input."""
    given = [
        name for name, value in options._asdict().items() if value != Options()._asdict()[name]
    ]
    given += [name for name, value in sizes._asdict().items() if value and name != "length"]
    if bias is not None:
        given.insert(0, "bias")
    if given:
        raise ValueError(
            f"a layer has its own weight, bias and options, got {', '.join(given)} besides\n"
            "  try: animate_conv1d(layer, x)"
        )


def parts_of(layer: ConvLayer) -> tuple[Tensor, Tensor | None, Options]:
    """Weight, bias and options."""
    kind = type(layer).__name__
    if layer.weight is None:
        raise ValueError(
            f"this {kind} has no weight yet, for it has not seen an input\n  try: layer(x) first"
        )
    if isinstance(layer, ConvTranspose1d):
        transposed, output_padding = True, layer.output_padding
    elif isinstance(layer, Conv1d):
        transposed, output_padding = False, 0
    else:
        raise TypeError(
            f"animate_conv1d knows Conv1d, DepthwiseConv1d and ConvTranspose1d, got {kind}\n"
            "  try: animate_conv1d(x, layer.weight, layer.bias, ...)"
        )
    options = Options(
        layer.stride, layer.padding, layer.dilation, layer.groups, layer.padding_mode,
        transposed, output_padding,
    )  # fmt: skip
    return layer.weight, layer.bias, options


# ----------------------------------------------------------------------------------------- examples


def fill_in(
    x: Array | None, w: Array | None, options: Options, sizes: Sizes
) -> tuple[Array, Array]:
    """An input and a weight, those that are given or such as fit."""
    check_needed(x, w, sizes)
    if w is None:
        w = example_weight(weight_shape(x, options, sizes))
    if x is None:
        channels = 1  # of a weight that has another rank, and is refused for it
        if w.ndim == 3:
            channels = w.shape[0] if options.transposed else w.shape[1] * options.groups
        length = 8 if sizes.length is None else check_size("length", sizes.length, 1)
        x = example_input(channels, length)
    return x, w


def check_needed(x: Array | None, w: Array | None, sizes: Sizes) -> None:
    """Sizes are given only for what is not there."""
    known = {"length": x, "kernel_size": w, "in_channels": w if x is None else x, "out_channels": w}
    for name, size in sizes._asdict().items():
        if size is not None and known[name] is not None:
            raise ValueError(
                f"{name} is the size of an example, and the tensor is given that has it: "
                f"got {name}={size}\n  try: leave {name} out"
            )


def weight_shape(x: Array | None, options: Options, sizes: Sizes) -> tuple[int, int, int]:
    """The shape of a weight that fits the input, or one channel in each group."""
    groups = check_size("groups", options.groups, 1)
    in_channels = groups if sizes.in_channels is None else sizes.in_channels
    if x is not None and x.ndim == 3:
        in_channels = x.shape[1]
    channels = {
        "in_channels": check_size("in_channels", in_channels, 1),
        "out_channels": check_size(
            "out_channels", groups if sizes.out_channels is None else sizes.out_channels, 1
        ),
    }
    for name, size in channels.items():
        if size % groups:
            raise ValueError(
                f"{name} must be divisible by groups: {name}={size}, groups={groups}"
                + groups_cure("groups", groups, *channels.values())
            )
    first, second = channels["in_channels"], channels["out_channels"]
    if not options.transposed:
        first, second = second, first
    K = 3 if sizes.kernel_size is None else check_size("kernel_size", sizes.kernel_size, 1)
    return first, second // groups, K


def example_input(channels: int, length: int) -> Array:
    """1 6 4 2 7 5 3, and from the front; other channels begin elsewhere."""
    channel, i = np.indices((channels, length))
    numbers: Array = 1.0 + ((5 * i + 3 * channel) % 7)[None]
    return numbers


def example_weight(shape: tuple[int, int, int]) -> Array:
    """1 2 3 4, and from the front, but the last of several negative.

    No such kernel reads the same from both ends, so that a picture shows which end is which: tap
    i and tap K-1-i are equal only if 4 divides K-1-2i, and so never for all i.
    """
    first, second, k = np.indices(shape)
    weight: Array = 1.0 + (k + first + second) % 4
    if shape[2] > 1:
        weight[:, :, -1] *= -1
    return weight
