"""Sequences of different lengths, in one batch.

``pad_sequence`` makes them equally long. ``pack_padded_sequence`` leaves out what was added, so
that a recurrent layer ends each sequence where it ends; ``pad_packed_sequence`` is the way back::

    padded                packed, step by step, the longest sequence first
    a0 a1 a2 a3           a0 b0 c0 | a1 b1 c1 | a2 b2 | a3        batch_sizes 3 3 2 1
    b0 b1 b2  .
    c0 c1  .  .
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lucid.autograd import is_tensor, make_tensor
from lucid.cures import choice_cure, cure, not_empty_cure, rank_cure
from lucid.errors import DtypeError, ShapeError
from lucid.ops.checks import check_tensor
from lucid.ops.convert import to
from lucid.ops.index import getitem
from lucid.ops.join import cat
from lucid.ops.recurrent import TakeRows
from lucid.ops.shape import reshape
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

Lengths: TypeAlias = Tensor | Sequence[int]
Ints: TypeAlias = NDArray[np.int64]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """A batch of sequences step by step, without padding: what ``pack_padded_sequence`` returns.

    Parameters
    ----------
    data : Tensor
        (sum of all lengths, ...): position 0 of all sequences, then position 1 of those that have
        one, and so on, the longest sequences first.
    batch_sizes : Tensor
        (longest length,), how many sequences have each position.
    sorted_indices : Tensor, optional
        (N,), where in the batch the longest sequence was, the next, and so on.
    unsorted_indices : Tensor, optional
        (N,), the way back; found from ``sorted_indices`` if that is given.

    Examples
    --------
    >>> import lucid
    >>> from lucid.nn.utils.rnn import pack_sequence
    >>> packed = pack_sequence([lucid.tensor([1, 2, 3]), lucid.tensor([4, 5])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 5, 3]), tensor([2, 2, 1]))
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        """Find the way back where only the way there is given."""
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: DTypeLike | DeviceLike) -> PackedSequence:
        """The same sequences, with data of another dtype."""
        return self._replace(data=to(self.data, *args))


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """out[permutation[i]] = i

    Parameters
    ----------
    permutation : Tensor or None
        (N,), the whole numbers from 0 to N - 1 in any order; None gives None.

    Examples
    --------
    >>> import lucid
    >>> from lucid.nn.utils.rnn import invert_permutation
    >>> invert_permutation(lucid.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    return None if permutation is None else make_tensor(np.argsort(permutation._array))


def pack_padded_sequence(
    input: Tensor, lengths: Lengths, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Leave out the padding: the positions of each sequence from its length on.

    Parameters
    ----------
    input : Tensor
        (L, N, ...), or (N, L, ...) with ``batch_first``.
    lengths : Tensor or sequence of int
        (N,), each from 1 to L.
    batch_first : bool
        Which of the two.
    enforce_sorted : bool
        Whether lengths that do not fall from longest to shortest are an error; if not, the
        sequences are sorted, and layers put their last states back in order.

    Returns
    -------
    PackedSequence
        What a recurrent layer takes.

    Raises
    ------
    ShapeError
        If the input has fewer than two axes, or the lengths are not N.
    ValueError
        If a length is out of range, or the lengths are not sorted.

    Examples
    --------
    >>> import lucid
    >>> from lucid.nn.utils.rnn import pack_padded_sequence
    >>> x = lucid.tensor([[1, 2, 3], [4, 5, 0]])
    >>> pack_padded_sequence(x, [3, 2], batch_first=True).data
    tensor([1, 4, 2, 5, 3])
    """
    N, L = batch_and_length("pack_padded_sequence", input, batch_first)
    sizes = checked_lengths(lengths, N, L)
    falls = bool((np.diff(sizes) <= 0).all())
    if enforce_sorted and not falls:
        raise ValueError(
            f"with enforce_sorted=True, lengths go from longest to shortest; got {sizes.tolist()}\n"
            "  try: enforce_sorted=False"
        )
    order = np.argsort(-sizes, kind="stable")
    step, place = np.nonzero(np.arange(sizes.max())[:, None] < sizes[order])
    rows = order[place] * L + step if batch_first else step * N + order[place]
    data = TakeRows(rows)(reshape(input, L * N, *input.shape[2:]))
    batch_sizes = make_tensor(np.bincount(step))
    return PackedSequence(data, batch_sizes, None if enforce_sorted else make_tensor(order))


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Give all sequences one length again: what ``pack_padded_sequence`` undid.

    Parameters
    ----------
    sequence : PackedSequence
        N sequences, the longest of length L.
    batch_first : bool
        Whether the result is (N, L, ...) or (L, N, ...).
    padding_value : float
        What stands after the end of a sequence.
    total_length : int, optional
        An L larger than the longest length.

    Returns
    -------
    tuple of Tensor
        The sequences in the order in which they were packed, and (N,), their lengths.

    Raises
    ------
    ValueError
        If ``total_length`` is less than the longest length.
    TypeError
        If ``sequence`` is not packed.

    Examples
    --------
    >>> import lucid
    >>> from lucid.nn.utils.rnn import pack_sequence, pad_packed_sequence
    >>> packed = pack_sequence([lucid.tensor([1, 2, 3]), lucid.tensor([4, 5])])
    >>> padded, lengths = pad_packed_sequence(packed, batch_first=True)
    >>> padded
    tensor([[1, 2, 3],
            [4, 5, 0]])
    >>> lengths
    tensor([3, 2])
    """
    if not isinstance(sequence, PackedSequence):
        raise TypeError(
            f"pad_packed_sequence takes a PackedSequence, got {type(sequence).__name__}\n"
            "  try: pack_padded_sequence(x, lengths)"
        )
    counts = sequence.batch_sizes._array
    L = len(counts) if total_length is None else total_length
    if len(counts) > L:
        raise ValueError(
            "total_length must be at least the length of the longest sequence, "
            f"{len(counts)}; got {total_length}"
        )
    places = np.arange(counts[0])
    if sequence.unsorted_indices is not None:
        places = sequence.unsorted_indices._array
    rows = np.full((L, counts[0]), -1)
    starts = (np.cumsum(counts) - counts)[:, None]
    rows[: len(counts)] = np.where(places < counts[:, None], starts + places, -1)
    lengths = (rows >= 0).sum(0)
    return spread(sequence.data, rows.T if batch_first else rows, padding_value), make_tensor(
        lengths
    )


def pad_sequence(
    sequences: Sequence[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Put sequences of different lengths into one tensor.

    Parameters
    ----------
    sequences : sequence of Tensor
        N tensors (length, ...), of one dtype and equal but for the length.
    batch_first : bool
        Whether the result is (N, L, ...) or (L, N, ...), with L the longest length.
    padding_value : float
        What fills up the shorter ones.
    padding_side : str
        Where: ``"right"``, after the end, or ``"left"``.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the sequences differ in more than their length.
    ValueError
        If ``padding_side`` is neither.

    Examples
    --------
    >>> import lucid
    >>> from lucid.nn.utils.rnn import pad_sequence
    >>> pad_sequence([lucid.tensor([1, 2, 3]), lucid.tensor([4, 5])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 5, 0]])
    """
    if padding_side not in ("right", "left"):
        raise ValueError(
            f"padding_side is 'right' or 'left', got {padding_side!r}"
            + choice_cure("padding_side", padding_side, ("right", "left"))
        )
    data = cat(sequences)
    lengths = np.array([len(x) for x in sequences])[:, None]
    L = lengths.max()
    position = np.arange(L) - (0 if padding_side == "right" else L - lengths)
    starts = np.cumsum(lengths)[:, None] - lengths
    rows = np.where((position >= 0) & (position < lengths), starts + position, -1)
    return spread(data, rows if batch_first else rows.T, padding_value)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Lengths, batch_first: bool = False
) -> list[Tensor]:
    """The sequences one by one, without their padding: what ``pad_sequence`` undid.

    Parameters
    ----------
    padded_sequences : Tensor
        (L, N, ...), or (N, L, ...) with ``batch_first``.
    lengths : Tensor or sequence of int
        (N,)
    batch_first : bool
        Which of the two.

    Examples
    --------
    >>> import lucid
    >>> from lucid.nn.utils.rnn import unpad_sequence
    >>> unpad_sequence(lucid.tensor([[1, 2, 3], [4, 5, 0]]), [3, 2], batch_first=True)
    [tensor([1, 2, 3]), tensor([4, 5])]
    """
    N, L = batch_and_length("unpad_sequence", padded_sequences, batch_first)
    sizes = checked_lengths(lengths, N, L, least=0).tolist()
    return [
        getitem(padded_sequences, (n, slice(size)) if batch_first else (slice(size), n))
        for n, size in enumerate(sizes)
    ]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of different lengths: ``pad_sequence``, then ``pack_padded_sequence``.

    Parameters
    ----------
    sequences : sequence of Tensor
        N tensors (length, ...).
    enforce_sorted : bool
        Whether lengths that do not fall from longest to shortest are an error.

    Examples
    --------
    >>> import lucid
    >>> from lucid.nn.utils.rnn import pack_sequence
    >>> pack_sequence([lucid.tensor([1, 2, 3]), lucid.tensor([4, 5])]).data
    tensor([1, 4, 2, 5, 3])
    """
    lengths = [len(x) for x in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences one by one: what ``pack_sequence`` undid.

    Parameters
    ----------
    packed_sequences : PackedSequence
        Of N sequences (L, ...).

    Examples
    --------
    >>> import lucid
    >>> from lucid.nn.utils.rnn import pack_sequence, unpack_sequence
    >>> unpack_sequence(pack_sequence([lucid.tensor([1, 2, 3]), lucid.tensor([4, 5])]))
    [tensor([1, 2, 3]), tensor([4, 5])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


def spread(data: Tensor, rows: Ints, padding_value: float) -> Tensor:
    """out[i, j] = data[rows[i, j]], or the padding value where that is negative."""
    flat = TakeRows(np.ascontiguousarray(rows).reshape(-1), padding_value)(data)
    return reshape(flat, *rows.shape, *data.shape[1:])


def batch_and_length(name: str, x: Tensor, batch_first: bool) -> tuple[int, int]:
    """N and L of a padded batch."""
    check_tensor(x, "the padded sequences", name)
    if x.ndim < 2 or 0 in x.shape[:2]:
        order = "(N, L, ...)" if batch_first else "(L, N, ...)"
        code = rank_cure("x", x.shape, 2, 2) if x.ndim < 2 else not_empty_cure(x.shape)
        raise ShapeError(f"{name} expected {order}, with N and L at least 1; got {x.shape}{code}")
    return (x.shape[0], x.shape[1]) if batch_first else (x.shape[1], x.shape[0])


def checked_lengths(lengths: Lengths, N: int, L: int, least: int = 1) -> Ints:
    """The lengths of N sequences, each from ``least`` to L."""
    sizes = lengths._array if is_tensor(lengths) else np.asarray(lengths)
    if sizes.dtype.kind not in "iu":
        raise DtypeError(f"lengths are whole numbers, got {sizes.dtype}\n  try: lengths.long()")
    if sizes.shape != (N,):
        code = f"lucid.full(({N},), {L})"
        if sizes.size == N:
            code = f"lengths.reshape({N})"
        elif sizes.shape == (L,):  # as many as the other axis has: N and L are exchanged
            code = "x.transpose(0, 1)"
        elif sizes.ndim == 1 and len(sizes) > N:
            code = f"lengths[:{N}]"
        raise ShapeError(
            f"there must be one length for each of the {N} sequences, got {sizes.shape}"
            + cure(code)
        )
    if sizes.min() < least or sizes.max() > L:
        mended = np.clip(sizes, least, L).tolist()
        raise ShapeError(
            f"lengths must be from {least} to {L}, got {sizes.tolist()}"
            + (cure(f"lengths={mended}") if L else "")
        )
    return sizes.astype(np.int64)
