"""The numbers of an animation: what happens at each place of the kernel.

A convolution and a transposed one slide the same window over a *long* row of positions, and pair
each of its places with one position of a *short* row:

                     short row      long row       what goes where
    convolution      y              x, padded      the window is read, its sum is written
    transposed       x              y, uncropped   a number is read, the window is added to

and a gradient goes the other way. So one geometry serves all four, and a step is one place of the
window. The results are lucid's own: a sum over places that has come to place i is the whole sum for
a signal that is zero after it, so the very kernels compute it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lucid._ext.numpy_twins import pad_index
from lucid.autograd import grad as gradients
from lucid.autograd import make_tensor
from lucid.cures import shape_cure
from lucid.errors import ShapeError, check_size
from lucid.explain.animate_limits import Options, check_drawable, first_channels
from lucid.grad_mode import enable_grad
from lucid.ops import conv, conv_transpose
from lucid.ops.conv import Conv1d, Conv1dInput, Geometry
from lucid.types import Array


@dataclass(frozen=True)
class Frame:
    """One step of an animation: the window at one place.

    Parameters
    ----------
    channel, t : int
        The place: of the output, in a transposed convolution of the input.
    group : int
        The group this channel belongs to.
    channels : tuple of int
        The channels that the window covers: those of the group.
    sources : tuple of (int or None)
        The position under each tap of the kernel; a padded position names the one it copies, or
        None if it is zero (or cut off, in a transposed convolution).
    kernel : numpy.ndarray
        (channels, taps): the weights.
    window : numpy.ndarray or None
        (channels, taps): the numbers under the kernel; None where nothing is read there.
    number : float or None
        The number at this place that multiplies the kernel; None where the sum goes there.
    products : numpy.ndarray
        (channels, taps): kernel * window, or number * kernel.
    weight_products : numpy.ndarray or None
        (channels, taps), in a backward pass: what this place adds to the weight's gradient.
    sum : float or None
        All products, and the bias; None where the products go to places of their own.
    results : dict of str to numpy.ndarray
        What lucid has computed up to this step: ``"y"``, or the gradients ``"gx"``, ``"gw"`` and
        ``"gb"``. NaN marks what is not reached yet.

    Examples
    --------
    >>> from lucid.explain import animate_conv1d
    >>> frame = animate_conv1d(padding=1, padding_mode="reflect").frames[0]
    >>> frame.sources, frame.products.tolist(), frame.sum
    ((1, 0, 1), [[6.0, 2.0, -18.0]], -10.0)
    """

    channel: int
    t: int
    group: int
    channels: tuple[int, ...]
    sources: tuple[int | None, ...]
    kernel: Array
    window: Array | None
    number: float | None
    products: Array
    weight_products: Array | None
    sum: float | None
    results: dict[str, Array]


@dataclass(frozen=True)
class Case:
    """A convolution that is small enough to draw: all of it checked, in float64."""

    x: Array  # (1, C_in, L)
    w: Array
    b: Array | None
    g: Array | None  # the gradient of y; None in a forward pass
    geometry: Geometry
    shape: tuple[int, int, int]  # of y
    options: Options
    out_channels: int  # of which shape[1] are shown

    @property
    def transposed(self) -> bool:
        """Whether it is a transposed convolution."""
        return self.options.transposed

    @property
    def backward(self) -> bool:
        """Whether gradients are added up."""
        return self.g is not None

    @property
    def gathers(self) -> bool:
        """Whether the window is summed up, rather than added to."""
        return self.transposed == self.backward

    @property
    def short(self) -> tuple[int, int]:
        """Channels and length of the row that has one position for each place of the window."""
        _, channels, length = self.x.shape if self.transposed else self.shape
        return channels, length

    @property
    def long(self) -> tuple[int, int]:
        """Channels and length of the row that the window slides over."""
        _, channels, length = self.shape if self.transposed else self.x.shape
        return channels, length

    @property
    def padded(self) -> range:
        """The positions of the long row, with those padded (or cut off) on either side."""
        return range(-self.geometry.left, self.long[1] + self.geometry.right)

    def positions(self, t: int) -> list[int]:
        """Where in the long row each tap is."""
        start = t * self.geometry.stride - self.geometry.left
        return [start + k * self.geometry.dilation for k in range(self.w.shape[2])]

    def source(self, position: int) -> int | None:
        """The position that a padded one stands for."""
        places = np.array([position], np.intp)
        found = int(pad_index(places, self.long[1], self.geometry.mode)[0])
        return None if found < 0 else found


def make_case(x: Array, w: Array, b: Array | None, g: Array | None, options: Options) -> Case:
    """Check everything, sizes last; ``g`` of no numbers at all asks for an example."""
    about = x.shape, w.shape, None if b is None else b.shape
    stride, padding, dilation, groups, padding_mode, transposed, output_padding, causal = options
    check_together(options)
    if transposed:
        geometry, shape = conv_transpose.checked.__wrapped__(
            *about, stride, padding, output_padding, groups, dilation
        )
    else:
        if causal and w.ndim == 3:
            padding = check_size("dilation", dilation, 1) * (w.shape[2] - 1)
        geometry, T = conv.checked.__wrapped__(
            *about, stride, padding, dilation, groups, padding_mode
        )
        if causal:
            geometry = geometry._replace(right=0)
            T = conv.output_length(x.shape[2], w.shape[2], geometry)
        shape = (x.shape[0], w.shape[0], T)
    out_channels = shape[1]
    if g is None and not transposed:
        x, w, b, geometry, shape = first_channels(x, w, b, geometry, shape)
    check_drawable(*about, x.shape, w.shape, shape, geometry, options, g is not None)
    if g is not None:
        g = example_gradient(shape) if g.size == 0 else g
        if g.shape != shape:
            raise ShapeError(
                f"grad has the shape of the output, {shape}, got {g.shape}"
                + shape_cure("grad", g.shape, shape)
            )
    check_finite(input=x, weight=w, bias=b, grad=g)
    return Case(x, w, b, g, geometry, shape, options, out_channels)


def check_together(options: Options) -> None:
    """No option is given that another one excludes."""
    if options.transposed and options.padding_mode != "zeros":
        raise ValueError(
            "a transposed convolution leaves positions off, and so has no padding_mode but "
            f"'zeros', got {options.padding_mode!r}\n  try: padding_mode='zeros'"
        )
    if options.transposed and options.causal:
        raise ValueError(
            "causal says how a convolution is padded, and a transposed one leaves positions off: "
            "got causal=True, transposed=True\n  try: one of them"
        )
    if options.causal and options.padding != 0:
        raise ValueError(
            "causal=True pads by dilation * (kernel_size - 1) on the left alone, so padding is "
            f"left at 0, got padding={options.padding!r}\n  try: causal=True without padding"
        )
    if options.output_padding and not options.transposed:
        raise ValueError(
            "output_padding belongs to a transposed convolution, got "
            f"output_padding={options.output_padding}\n  try: transposed=True, or leave it out"
        )


def check_finite(**arrays: Array | None) -> None:
    """Partial sums are made with zeros, and zero times infinity is no number."""
    for name, array in arrays.items():
        if array is not None and not np.isfinite(array).all():
            raise ValueError(
                f"an animation adds finite numbers, and {name} has NaN or infinite ones\n"
                "  try: lucid.isfinite(x) to find them"
            )


def example_gradient(shape: tuple[int, ...]) -> Array:
    """Small numbers from 1 up, for each place another than for its neighbours."""
    channel, t = np.indices(shape[1:])
    gradient: Array = 1.0 + ((2 * t + channel) % 3)[None]
    return gradient


# ---------------------------------------------------------------------------------------- the steps


def make_frames(case: Case) -> list[Frame]:
    """Every place of the window, one channel after the other."""
    channels, length = case.short
    return [make_frame(case, s, t) for s in range(channels) for t in range(length)]


def make_frame(case: Case, s: int, t: int) -> Frame:
    """The window at place t of channel s of the short row."""
    each = case.w.shape[1]  # how many channels of the long row a group has
    group = s * case.geometry.groups // case.short[0]
    channels = tuple(range(group * each, group * each + each))
    sources = tuple(case.source(p) for p in case.positions(t))
    kernel = case.w[s]
    results = results_up_to(case, s * case.short[1] + t)

    window: Array | None = None
    number: float | None = None
    if case.gathers or case.backward:
        row = (case.g if case.transposed else case.x)[0]  # type: ignore[index]  # backward has g
        window = np.array([[0.0 if i is None else row[c, i] for i in sources] for c in channels])
    if case.transposed or case.backward:
        row = (case.x if case.transposed else case.g)[0]  # type: ignore[index]  # backward has g
        number = float(row[s, t])
    products: Array = kernel * (window if case.gathers else number)
    weight_products: Array | None = None
    if window is not None and number is not None:
        weight_products = number * window
    total = float(results["gx" if case.backward else "y"][s, t]) if case.gathers else None
    return Frame(
        s, t, group, channels, sources, kernel, window, number, products, weight_products, total,
        results,
    )  # fmt: skip


def results_up_to(case: Case, i: int) -> dict[str, Array]:
    """What lucid computes from the places up to the i-th, in the order of the steps."""
    x, g = case.x, case.g
    if case.transposed:
        x = first(x, i, 0.0)
    elif g is not None:
        g = first(g, i, 0.0)
    leaves = [make_tensor(a.copy()) for a in (x, case.w, case.b) if a is not None]
    for leaf in leaves:
        leaf.requires_grad = True
    whole = Conv1dInput(case.geometry, case.shape) if case.transposed else None
    with enable_grad():
        y = (whole or Conv1d(case.geometry, case.shape[2]))(*leaves)
        if g is None:
            done = y.detach().numpy()
            return {"y": (first(done, i, np.nan) if case.gathers else done)[0]}
        grads = gradients(y, leaves, make_tensor(g.copy()))
    found = [grad.numpy() for grad in grads if grad is not None]  # all depend on something
    results = {"gx": (first(found[0], i, np.nan) if case.gathers else found[0])[0], "gw": found[1]}
    # The bias of a transposed convolution gets all of g, which no place of x is the cause of.
    return results if case.b is None or case.transposed else {**results, "gb": found[2]}


def first(array: Array, i: int, rest: float) -> Array:
    """The array up to its i-th number, and something else after it."""
    after = np.arange(array.size).reshape(array.shape) > i
    return np.where(after, rest, array)
