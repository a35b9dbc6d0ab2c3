"""Which way a convolution is computed: decided here, by sizes alone.

Never by the number of threads, which must not change a result.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["LONG", "MANY", "block_length", "choose", "neighbours", "taps_of_piece"]

LONG = 256  #: no kernel with fewer taps is worth a Fourier transform
MOST_PAIRS = 4  # of an input and an output channel, whose spectra are in memory at once
FEW = 4  #: outputs in a row
MANY = 1024  #: pairs of channels, below which there is nothing to share
SHORT = 5  # taps of a kernel that is not cut into pieces
COPIED = 1 << 18  # numbers, at most, that are copied for rows of few outputs


def choose(
    face: str,
    N: int,
    groups: int,
    C: int,
    O: int,
    K: int,
    T: int,
    stride: int,
    dilation: int,
    lanes: int,
) -> str:
    """Return ``"few"``, ``"fft"``, ``"toom"``, ``"tiles"`` or ``"dots"`` for one face.

    ``"few"``
        Rows of one to four outputs would leave a register mostly empty: many samples, side by side,
        fill it (``few.py``).
    ``"fft"``
        A sum over K taps for each of T outputs takes T * K multiplications, a Fourier transform
        of F numbers some F * log F. It pays for long kernels over long signals. Its blocks are
        computed in NumPy, each with an overhead of its own.
    ``"toom"``
        Several neighbouring outputs together take fewer multiplications than one by one, but more
        additions (``toom.py``). It pays for many channels, whose products share the additions.
    ``"tiles"``
        Sums in registers, with positions side by side (for the weight gradient: channels, taps).
    ``"dots"``
        Only for the weight gradient, whose columns are channels and, without dilation, taps: with
        too few of them a register would be mostly empty.

    Parameters
    ----------
    face : str
        ``"forward"``, ``"input"`` or ``"weight"``.
    N, groups : int
        Samples, and groups of channels.
    C, O : int
        Input and output channels of a group.
    K, T : int
        Taps, and outputs in a row.
    stride, dilation : int
        Steps between outputs and between taps.
    lanes : int
        How many numbers a register holds.

    Examples
    --------
    >>> choose("forward", N=1, groups=1, C=64, O=64, K=3, T=1000,
    ...     stride=1, dilation=1, lanes=16)
    'toom'
    >>> choose("forward", N=1, groups=1, C=64, O=64, K=3, T=1000,
    ...     stride=2, dilation=1, lanes=16)
    'tiles'
    >>> choose("forward", N=1, groups=1, C=1, O=1, K=1025, T=160_000,
    ...     stride=1, dilation=1, lanes=16)
    'fft'
    >>> choose("weight", N=1, groups=1, C=1, O=1, K=31, T=512,
    ...     stride=1, dilation=1, lanes=16)
    'dots'
    """
    copied = N * T * groups * C * K
    if T <= FEW and 2 * T <= N and min(O, C * K) >= 8 and copied <= COPIED:
        return "few"
    if K >= LONG and stride == dilation == 1 and C * O <= MOST_PAIRS:
        # nanoseconds, as measured: 30 or 75 products in each by tiles; by blocks of F numbers,
        # some microseconds for NumPy's own work and a few nanoseconds a number
        by_tiles = C * O * T * K / (30 if O == 1 else 75)
        F = block_length(K, T)
        blocks = -(-T // (F - K + 1))
        if blocks * (40_000 + F * (8 * (C + O) + C * O)) < by_tiles:
            return "fft"
    if stride == dilation == 1 and neighbours(N, C, O, K, T) > 1:
        return "toom"
    side_by_side = C * K if dilation == 1 else C
    if face != "weight" or (O >= 4 and side_by_side >= lanes and stride <= K):
        return "tiles"
    return "dots"


@lru_cache(maxsize=1024)
def neighbours(N: int, C: int, O: int, K: int, T: int) -> int:
    """How many neighbouring outputs are best computed at once, by ``toom.py``; 1 if none.

    Examples
    --------
    >>> neighbours(N=16, C=128, O=256, K=5, T=141), neighbours(N=16, C=16, O=16, K=3, T=1000)
    (3, 1)
    """
    best, least = 1, 0.9 * N * T * K * C * O  # multiplications, one by one
    for m in (2, 3, 4) if C * O >= MANY and 1 < K < LONG else ():
        columns, taps = N * -(-T // (16 * m)) * 16, taps_of_piece(m, K)  # in whole registers
        pieces = -(-K // taps)
        # the transforms of weights take as long as some columns, those of rows as some channels
        cost = (m + taps - 1) * (C * O * pieces * (columns + 16) + 14 * (C + O) * columns)
        if cost < least:
            best, least = m, cost
    return best


def taps_of_piece(m: int, K: int) -> int:
    """How many taps are computed at once: all, or as many as outputs."""
    return K if K <= SHORT else m


def block_length(K: int, T: int) -> int:
    """How many positions are transformed at a time: a power of two, some times the kernel."""
    whole = T + K - 1
    F = 1 << (4 * K - 1).bit_length()
    return int(min(max(F, 16384), 1 << (whole - 1).bit_length()))
