"""Random changes of signals: what a classifier should not mind, made part of the training data.

Each is a function of one signal (C, L) or of a batch (N, C, L), in which each signal is changed in
its own way. Without a generator they draw from lucid's random numbers; within a DataLoader, that
is, from those of the batch. Nothing is recorded, and the input is left as it is.

A data set that changes its samples each time, and a loader that does so a batch at a time:

>>> import lucid
>>> from lucid.data import DataLoader, Dataset, augment, default_collate, japanese_vowels
>>> class Noisy(Dataset):
...     def __init__(self, dataset):
...         self.dataset = dataset
...     def __getitem__(self, i):
...         x, length, speaker = self.dataset[i]
...         return augment.jitter(x, 0.1), speaker
...     def __len__(self):
...         return len(self.dataset)
>>> def masked(samples):
...     x, length, speaker = default_collate(samples)
...     return augment.time_mask(x, 5), speaker
>>> train, test = japanese_vowels()
>>> x, speaker = next(iter(DataLoader(Noisy(train), batch_size=4)))
>>> x, speaker = next(iter(DataLoader(train, batch_size=4, collate_fn=masked)))
>>> x.shape
(4, 12, 29)
"""

from __future__ import annotations

import math

import numpy as np

from lucid import ops, random
from lucid.cures import cure, rank_cure, samples_cure
from lucid.errors import DtypeError, ShapeError, check_size
from lucid.ops.checks import check_tensor
from lucid.random import Generator
from lucid.tensor import Tensor
from lucid.types import Array

__all__ = ["crop", "jitter", "mixup", "scaling", "time_mask", "time_shift"]


def jitter(x: Tensor, sigma: float = 0.03, generator: Generator | None = None) -> Tensor:
    """out = x + sigma * e, with e drawn from the normal distribution, for every number

    Parameters
    ----------
    x : Tensor
        (C, L) or (N, C, L).
    sigma : float
        The standard deviation of the noise, in the units of x.
    generator : Generator, optional
        Where to draw from.

    References
    ----------
    T. T. Um et al., "Data augmentation of wearable sensor data for Parkinson's disease monitoring
    using convolutional neural networks", ICMI 2017, arXiv:1706.00527.

    Examples
    --------
    >>> import lucid
    >>> lucid.data.augment.jitter(lucid.zeros(2, 16)).shape
    (2, 16)
    """
    a = signals(x, "jitter")
    noise = random.stream(generator).standard_normal(a.shape, dtype=a.dtype)
    return ops.tensor(a + at_least_0("sigma", sigma) * noise)


def scaling(x: Tensor, sigma: float = 0.1, generator: Generator | None = None) -> Tensor:
    """out[c] = x[c] * f[c], with f[c] drawn around 1, for every channel of every signal

    Parameters
    ----------
    x : Tensor
        (C, L) or (N, C, L).
    sigma : float
        The standard deviation of f.
    generator : Generator, optional
        Where to draw from.

    References
    ----------
    T. T. Um et al., "Data augmentation of wearable sensor data for Parkinson's disease monitoring
    using convolutional neural networks", ICMI 2017, arXiv:1706.00527.

    Examples
    --------
    >>> import lucid
    >>> y = lucid.data.augment.scaling(lucid.ones(2, 16))
    >>> bool((y[:, 0] == y[:, 15]).all())
    True
    """
    a = signals(x, "scaling")
    noise = random.stream(generator).standard_normal((*a.shape[:-1], 1), dtype=a.dtype)
    return ops.tensor(a * (1 + at_least_0("sigma", sigma) * noise))


def time_shift(x: Tensor, limit: int, generator: Generator | None = None) -> Tensor:
    """out[:, t] = x[:, t - s], with s drawn from -limit to limit; zeros come in at the ends

    Parameters
    ----------
    x : Tensor
        (C, L) or (N, C, L).
    limit : int
        The largest shift.
    generator : Generator, optional
        Where to draw from.

    References
    ----------
    K. J. Piczak, "Environmental sound classification with convolutional neural networks", MLSP
    2015: random delays of the clips.

    Examples
    --------
    >>> import lucid
    >>> lucid.data.augment.time_shift(lucid.ones(2, 16), 4).shape
    (2, 16)
    """
    a = signals(x, "time_shift")
    limit = check_size("limit", limit, 0)
    shift = random.stream(generator).integers(-limit, limit + 1, (*a.shape[:-2], 1, 1))
    source = np.arange(a.shape[-1]) - shift
    inside = (source >= 0) & (source < a.shape[-1])
    return ops.tensor(np.where(inside, gathered(a, np.where(inside, source, 0)), a.dtype.type(0)))


def time_mask(
    x: Tensor, width: int, value: float = 0.0, generator: Generator | None = None
) -> Tensor:
    """out = x, but ``value`` in a stretch of w positions, with w drawn from 0 to width

    Parameters
    ----------
    x : Tensor
        (C, L) or (N, C, L).
    width : int
        The largest width, up to L.
    value : float
        What stands in the stretch, in all channels.
    generator : Generator, optional
        Where to draw from.

    References
    ----------
    D. S. Park et al., "SpecAugment: a simple data augmentation method for automatic speech
    recognition", Interspeech 2019, arXiv:1904.08779.

    Examples
    --------
    >>> import lucid
    >>> y = lucid.data.augment.time_mask(lucid.ones(2, 16), width=5)
    >>> bool((y == 0).float().sum() <= 2 * 5)
    True
    """
    a = signals(x, "time_mask")
    L = a.shape[-1]
    width = fitting("width", width, L, 0)
    numbers, each = random.stream(generator), (*a.shape[:-2], 1, 1)
    w = numbers.integers(0, width + 1, each)
    start = numbers.integers(0, L - w + 1)
    t = np.arange(L)
    return ops.tensor(np.where((t >= start) & (t < start + w), a.dtype.type(value), a))


def crop(x: Tensor, length: int, generator: Generator | None = None) -> Tensor:
    """out[:, t] = x[:, s + t] for t < length, with s drawn from 0 to L - length

    Parameters
    ----------
    x : Tensor
        (C, L) or (N, C, L).
    length : int
        How many positions are left, from 1 to L.
    generator : Generator, optional
        Where to draw from.

    References
    ----------
    A. Le Guennec, S. Malinowski, R. Tavenard, "Data augmentation for time series classification
    using convolutional neural networks", AALTD 2016: window slicing.

    Examples
    --------
    >>> import lucid
    >>> lucid.data.augment.crop(lucid.ones(8, 2, 16), 10).shape
    (8, 2, 10)
    """
    a = signals(x, "crop")
    length = fitting("length", length, a.shape[-1], 1)
    each = (*a.shape[:-2], 1, 1)
    start = random.stream(generator).integers(0, a.shape[-1] - length + 1, each)
    return ops.tensor(gathered(a, start + np.arange(length)))


def mixup(
    x: Tensor, y: Tensor, alpha: float = 0.2, generator: Generator | None = None
) -> tuple[Tensor, Tensor]:
    """out[n] = f * x[n] + (1 - f) * x[m], and y alike: each signal is mixed with another one

    f is drawn from the beta distribution of alpha and alpha, once for the batch; which m goes with
    which n is drawn as well.

    Parameters
    ----------
    x : Tensor
        (N, ...), the batch.
    y : Tensor
        (N, K), the probabilities of the classes, for ``cross_entropy``; or (N, ...), floats that
        are to be predicted.
    alpha : float
        Small: mostly one of the two signals. 1: evenly. Above 0.
    generator : Generator, optional
        Where to draw from.

    Raises
    ------
    ShapeError
        If x and y are not as many.
    TypeError
        If one of them is not of a floating dtype.
    ValueError
        If ``alpha`` is not above 0.

    References
    ----------
    H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz, "mixup: beyond empirical risk minimization",
    ICLR 2018, arXiv:1710.09412.

    Examples
    --------
    >>> import lucid
    >>> x, labels = lucid.randn(4, 2, 16), lucid.tensor([0, 1, 2, 0])
    >>> x, y = lucid.data.augment.mixup(x, lucid.eye(3)[labels])
    >>> x.shape, y.shape, bool(((y.sum(1) - 1).abs() < 1e-6).all())
    ((4, 2, 16), (4, 3), True)
    """
    for name, t in (("x", x), ("y", y)):
        check_tensor(t, name, "mixup")
        if not t.is_floating_point():
            raise DtypeError(
                f"mixup needs numbers that can be mixed, got {name} of {t.dtype}\n"
                f"  try: {'x.float()' if t.ndim > 1 else f'lucid.eye({name}.max() + 1)[{name}]'}"
            )
    if not x.ndim or not y.ndim or x.shape[0] != y.shape[0]:
        raise ShapeError(
            f"x and y hold as many signals, got shapes {x.shape} and {y.shape}"
            + samples_cure([x.shape, y.shape])
        )
    if not 0 < alpha < math.inf:
        raise ValueError(f"alpha must be above 0, and finite, got {alpha}")
    numbers = random.stream(generator)
    share, partner = float(numbers.beta(alpha, alpha)), numbers.permutation(x.shape[0])
    mixed = [share * a + (1 - share) * a[partner] for a in (x._array, y._array)]
    return ops.tensor(mixed[0]), ops.tensor(mixed[1])


def signals(x: Tensor, name: str) -> Array:
    """The numbers of a signal (C, L) or a batch (N, C, L); an error for anything else."""
    check_tensor(x, "x", name)
    if x.ndim not in (2, 3):
        raise ShapeError(
            f"{name} changes signals (C, L) or (N, C, L), got the shape {x.shape}"
            + rank_cure("x", x.shape, 2, 3)
        )
    if not x.is_floating_point():
        raise DtypeError(f"{name} changes floats, got {x.dtype}\n  try: x.float()")
    return x._array


def gathered(a: Array, source: Array) -> Array:
    """out[n, c, t] = a[n, c, source[n, 0, t]]"""
    return np.take_along_axis(a, np.broadcast_to(source, (*a.shape[:-1], source.shape[-1])), -1)


def at_least_0(name: str, value: float) -> float:
    """Return a float; a ValueError if it is negative, nan or infinite."""
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be at least 0, and finite, got {value}")
    return float(value)


def fitting(name: str, value: int, L: int, least: int) -> int:
    """Return a number of positions; a ShapeError if there are fewer than that."""
    if check_size(name, value, least) > L:
        raise ShapeError(
            f"{name} must be at most the length of the signal, {L}, got {value}"
            + cure(f"{name}={L}" if least <= L else f"F.pad(x, (0, {value - L}))")
        )
    return int(value)
