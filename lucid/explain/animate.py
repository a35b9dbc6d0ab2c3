"""A convolution step by step: as text, as SVG, as HTML and as a GIF.

animate.py         animate_conv1d, and the Animation it returns
animate_given.py   what is animated: a layer's parts, and examples for what is left out
animate_limits.py  what is small enough to be drawn
animate_steps.py   the numbers: what each step reads, multiplies and writes
animate_scene.py   what stands where: rows of cells, and the step in words
animate_text.py    the rows in a terminal
animate_shapes.py  the rows as boxes, lines and words
animate_svg.py, animate_html.py, animate_gif.py   the shapes as files
"""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from lucid.errors import check_size
from lucid.explain.animate_gif import draw_gif
from lucid.explain.animate_given import Sizes, check_layer_alone, fill_in, parts_of
from lucid.explain.animate_html import draw_html, draw_page
from lucid.explain.animate_limits import Options
from lucid.explain.animate_scene import legend, make_scene, title
from lucid.explain.animate_shapes import Picture, draw
from lucid.explain.animate_steps import Case, Frame, make_case, make_frames
from lucid.explain.animate_svg import draw_svg
from lucid.explain.animate_text import draw_text
from lucid.io.files import replace_file
from lucid.nn.conv import ConvLayer
from lucid.nn.module import Module
from lucid.ops.checks import check_number, check_one_dtype
from lucid.tensor import Tensor

__all__ = ["Animation", "Frame", "animate_conv1d"]


class Animation:
    """The steps of a convolution, and the ways to look at them. ``animate_conv1d`` makes it.

    In a notebook it shows itself with buttons; at a prompt, or printed, by its first step.

    Parameters
    ----------
    case : Case
        The convolution, checked, and small enough to be drawn.
    name : str
        A heading of your own, or "".

    Attributes
    ----------
    frames : list of Frame
        The numbers of every step.
    name : str
        What it is headed by: yours, and the call.

    Examples
    --------
    >>> from lucid.explain import animate_conv1d
    >>> animation = animate_conv1d(length=6, stride=2)
    >>> len(animation), animation.frames[1].sum
    (2, -13.0)
    >>> print(animation.text(1))
    conv1d, stride=2: step 2 of 2
              0    1    2    3    4    5
    x[0]      1    6   [4]  [2]  [7]   5
    w[0,0]              1    2   -3
    y[0]           1      [-13]
                   0         1
    y[0,1] = 1*4 + 2*2 - 3*7 = -13
    """

    def __init__(self, case: Case, name: str) -> None:
        self.frames = make_frames(case)
        # signs that cannot be printed have no place in XML either
        heading = "".join(c if c.isprintable() else " " for c in name).strip()
        self.name = f"{heading}: {title(case)}" if heading else title(case)
        self._legend = legend(case)
        self._scenes = [make_scene(case, frame) for frame in self.frames]

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        more = f"\n({len(self)} steps: .text() for all of them, .play() to watch)"
        return self.text(0) + (more if len(self) > 1 else "")

    def _repr_html_(self) -> str:
        return self.html()

    def _index(self, frame: int) -> int:
        """A step by its number, from the end if it is negative."""
        i = check_size("frame", frame, -len(self))
        if i >= len(self):
            raise ValueError(
                f"frame must be below the number of steps, {len(self)}, got {i}\n  try: frame=-1"
            )
        return i % len(self)

    def _picture(self) -> Picture:
        return draw(self._scenes, self.name, self._legend)

    # ------------------------------------------------------------------------------ ways to look

    def text(self, frame: int | None = None) -> str:
        """Return one step as text, or all of them, one below the other.

        The window stands in brackets, and what is still to come are dots.
        """
        if frame is None:
            return "\n\n".join(self.text(i) for i in range(len(self)))
        return draw_text(self._scenes, self._index(frame), self.name, self._legend)

    def play(self, delay: float = 0.8) -> None:
        """Show the steps one after the other in place, ``delay`` seconds each.

        Where the output is no terminal (a file, a pipe), all of them are printed, at once.
        """
        check_seconds("delay", delay)
        in_place = sys.stdout.isatty()
        for i in range(len(self)):
            text = self.text(i)
            if in_place and i:
                # back to the line of the first step's first row, and clear from there on
                time.sleep(delay)
                sys.stdout.write(f"\x1b[{len(self.text(i - 1).splitlines())}F\x1b[J")
            sys.stdout.write(f"{text}\n" if in_place or i == len(self) - 1 else f"{text}\n\n")
            sys.stdout.flush()

    def svg(self, frame: int | None = None, *, seconds: float = 1.2) -> str:
        """Return one step as an SVG document, or all of them, for ``seconds`` each, in turn.

        The moving one stands still for readers who asked their system for less motion, and while
        the mouse is over it.
        """
        check_seconds("seconds", seconds)
        picture = self._picture()
        spoken = ["; ".join(scene.words) for scene in self._scenes]
        if frame is not None:
            i = self._index(frame)
            picture = Picture(picture.width, picture.height, [picture.steps[i]])
            spoken = [spoken[i]]
        return draw_svg(picture, self.name, spoken, seconds)

    def html(self, *, seconds: float = 1.2) -> str:
        """Return a figure with buttons and a slider, to stand in a page or a notebook.

        It needs nothing from elsewhere. Without scripts it moves by itself, as the SVG does.
        """
        return draw_html(self.svg(seconds=seconds), self.name, len(self), seconds)

    def save(self, f: str | os.PathLike[str], *, seconds: float = 1.2) -> None:
        """Write a file: ``.svg``, ``.html`` or ``.gif``, by its name; as a whole or not at all.

        Parameters
        ----------
        f : str or os.PathLike
            Where to.
        seconds : float
            How long each step is shown.

        Raises
        ------
        ValueError
            If the name ends otherwise.
        ImportError
            For a GIF, if matplotlib is not installed: ``pip install 'lucid-edu[plot]'``.
        """
        check_seconds("seconds", seconds)
        path = os.fspath(f)
        kind = os.path.splitext(path)[1].lower()
        if kind == ".svg":
            content = self.svg(seconds=seconds).encode()
        elif kind == ".html":
            content = draw_page(self.html(seconds=seconds), self.name).encode()
        elif kind == ".gif":
            content = draw_gif(self._picture(), seconds)
        else:
            raise ValueError(
                f"an animation is saved as .svg, .html or .gif, got {path!r}\n"
                f"  try: {os.path.splitext(path)[0] + '.svg'!r}"
            )
        replace_file(os.path.realpath(path), [content])


def check_seconds(name: str, value: float) -> None:
    """A time of more than nothing."""
    check_number(name, value)
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} must be above 0 and finite, got {value}\n  try: {name}=1")


# --------------------------------------------------------------------------------- what is animated


def animate_conv1d(
    input: Tensor | ConvLayer | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    *,
    transposed: bool = False,
    output_padding: int = 0,
    causal: bool = False,
    backward: bool = False,
    grad: Tensor | None = None,
    length: int | None = None,
    kernel_size: int | None = None,
    in_channels: int | None = None,
    out_channels: int | None = None,
    name: str = "",
) -> Animation:
    """Show a convolution step by step: what the window reads, multiplies, adds up and writes.

    ::

        y[o, t]  = b[o] + sum over c, k of w[o, c, k] * p[c0 + c, t*stride + k*dilation]

        backward, for each g[o, t]:
        gx at the place that was read  += g[o, t] * w[o, c, k]
        gw[o, c, k]                    += g[o, t] * p[c0 + c, t*stride + k*dilation]

    with p the padded input and c0 the first channel of the group that output channel o belongs to.
    A transposed convolution adds x[c, t] * w[c, o, k] to the output at t*stride + k*dilation -
    padding.

    Parameters
    ----------
    input : Tensor or layer, optional
        One sample (1, C_in, L), as for ``F.conv1d``; left out, small whole numbers. Or a
        ``Conv1d``, ``DepthwiseConv1d`` or ``ConvTranspose1d``, which has the weight, the bias and
        all options; an input may follow it: ``animate_conv1d(layer, x)``.
    weight, bias : Tensor, optional
        (C_out, C_in / groups, K) and (C_out,), as for ``F.conv1d``; with ``transposed``, (C_in,
        C_out / groups, K) and (C_out,), as for ``F.conv_transpose1d``. Left out, the weight is
        small whole numbers that read otherwise from the right, and the bias is none.
    stride, padding, dilation, groups, padding_mode : optional
        As for ``F.conv1d``.
    transposed : bool
        Show ``F.conv_transpose1d`` instead, with this ``output_padding``.
    output_padding : int
        Only of a transposed convolution.
    causal : bool
        Pad on the left alone, by dilation * (kernel_size - 1), so that an output sees no later
        input.
    backward : bool
        Show how the gradients of input, weight and bias are added up instead.
    grad : Tensor, optional
        The gradient of the output, of its shape, for ``backward``; left out, small whole numbers.
    length, kernel_size, in_channels, out_channels : int, optional
        The sizes of what is left out: 8 positions, 3 taps, one channel in each group.
    name : str
        A heading of your own.

    Returns
    -------
    Animation
        ``play`` it in a terminal, let a notebook show it, ``save`` it; ``print`` shows its first
        step. Numbers are
        shown to two decimals; ``frames`` has them in full. They are computed in float64.

    Raises
    ------
    ValueError
        As ``F.conv1d``; for options that exclude each other; for what is too large to be drawn
        (32 positions, 16 channels, 12 taps, 72 weights in one window, 96 steps) or not finite. Of
        more output channels than that, the first ones are shown.
    TypeError
        As ``F.conv1d``.

    References
    ----------
    .. [1] V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016,
       arXiv:1603.07285, whose pictures show the same in two dimensions.

    Examples
    --------
    >>> import lucid
    >>> from lucid.explain import animate_conv1d
    >>> x = lucid.tensor([[[1.0, 2.0, 4.0, 8.0]]])
    >>> animate_conv1d(x, lucid.tensor([[[-1.0, 1.0]]]))
    conv1d: step 1 of 3
             0   1   2   3
    x[0]    [1] [2]  4   8
    w[0,0]  -1   1
    y[0]      [1]  .   .
               0   1   2
    y[0,0] = -1*1 + 1*2 = 1
    (3 steps: .text() for all of them, .play() to watch)

    What one gradient of the output adds to those of the input and the weight; the first position
    takes part a second time, as padding:

    >>> print(animate_conv1d(length=4, padding=1, padding_mode="replicate", backward=True).text(0))
    conv1d backward, padding=1, replicate: step 1 of 4
                  0   1   2   3
    g[0]         [1]  3   2   1
            (0)   0   1   2   3 (3)
    x[0]     [1] [1] [6]  4   2   2
    w[0,0]    1   2  -3
    gx[0]   [>0] [3][-3]  0   0
    k         0   1   2
    gw[0,0]  [1] [1] [6]
    gx[0] at 0 0 1 += 1*(1, 2, -3) = (1, 2, -3)
    gw[0,0] += 1*(1, 1, 6) = (1, 1, 6)
    (i): copies position i; >i: adds to it
    """
    options = Options(
        stride, padding, dilation, groups, padding_mode, transposed, output_padding, causal
    )
    sizes = Sizes(length, kernel_size, in_channels, out_channels)
    if isinstance(input, ConvLayer):
        check_layer_alone(bias, options, sizes)
        layer, x = input, weight
        weight, bias, options = parts_of(layer)
    else:
        x = input
    if isinstance(weight, Module):
        raise TypeError(
            f"the weight is a tensor, got a {type(weight).__name__}\n"
            "  try: layer.weight, or animate_conv1d(layer, x) with all that the layer has"
        )
    if grad is not None and not backward:
        raise ValueError(
            "a gradient is shown in the backward pass, got grad without it\n  try: backward=True"
        )
    named = {"input": x, "weight": weight, "bias": bias, "grad": grad}
    tensors = {key: value for key, value in named.items() if value is not None}
    if tensors:
        check_one_dtype("animate_conv1d", tensors)
    given = {key: tensor.detach().numpy().astype(np.float64) for key, tensor in tensors.items()}
    signal, kernel = fill_in(given.get("input"), given.get("weight"), options, sizes)
    g = given.get("grad", np.empty(0)) if backward else None
    return Animation(make_case(signal, kernel, given.get("bias"), g, options), name)
