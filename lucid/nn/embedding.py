"""Embedding: a learned row of numbers for each word of a vocabulary."""

from __future__ import annotations

from typing import Self

from lucid import ops, types
from lucid.autograd import no_grad
from lucid.cures import rank_cure
from lucid.errors import ShapeError, check_size
from lucid.nn import functional as F
from lucid.nn import init
from lucid.nn.module import Module
from lucid.nn.parameter import Parameter
from lucid.ops.checks import check_tensor
from lucid.ops.embedding import checked_padding_idx
from lucid.random import drawing_from, spawn_seed
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["Embedding"]


class Embedding(Module):
    """y[..., d] = weight[x[...], d]: a learned row of numbers for each whole number

    Parameters
    ----------
    num_embeddings : int
        How many rows there are: the input is made of 0 to num_embeddings - 1.
    embedding_dim : int
        How many numbers a row has.
    padding_idx : int, optional
        A row that begins with zeros and gets no gradient, for the places where a sequence has
        ended; negative ones count from the end.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight : Parameter
        (num_embeddings, embedding_dim), drawn from the normal distribution of mean 0, variance 1.

    Raises
    ------
    ValueError
        For sizes out of range; in ``forward`` an IndexError, if there is no such row.
    TypeError
        For sizes that are no ints; in ``forward``, for an input that is not int64 or int32.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> layer = nn.Embedding(10, 3, padding_idx=0)
    >>> words = lucid.tensor([[4, 7, 0, 0]])
    >>> layer(words).shape, layer(words)[0, 2]
    ((1, 4, 3), tensor([0., 0., 0.], grad_fn=<GetItem>))

    For a convolution, the numbers of a row are channels:

    >>> layer(words).transpose(1, 2).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        types.as_device(device)
        self.num_embeddings = check_size("num_embeddings", num_embeddings, 1)
        self.embedding_dim = check_size("embedding_dim", embedding_dim, 1)
        self.padding_idx = checked_padding_idx(padding_idx, self.num_embeddings)
        self.weight = Parameter(ops.empty(self.num_embeddings, self.embedding_dim, dtype=dtype))
        drawing_from(spawn_seed(), self.reset_parameters)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None
    ) -> Self:
        """Make a layer of given rows.

        Parameters
        ----------
        embeddings : Tensor
            (num_embeddings, embedding_dim), whose memory the layer shares.
        freeze : bool
            Whether training leaves them as they are.
        padding_idx : int, optional
            A row that gets no gradient.

        Raises
        ------
        ShapeError
            If the rows are not in a tensor of two axes.
        """
        check_tensor(embeddings, "embeddings", "from_pretrained")
        if embeddings.ndim != 2:
            raise ShapeError(
                f"from_pretrained expected (num_embeddings, embedding_dim), got {embeddings.shape}"
                + rank_cure("embeddings", embeddings.shape, 2, 2)
            )
        rows, size = embeddings.shape
        layer = cls(rows, size, padding_idx, dtype=embeddings.dtype)
        layer.weight = Parameter(embeddings.detach(), requires_grad=not freeze)
        return layer

    def reset_parameters(self) -> None:
        """Draw the rows anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    def forward(self, x: Tensor) -> Tensor:
        """Look up: whole numbers (...) to rows (..., embedding_dim)."""
        return F.embedding(x, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """The sizes, and the row for padding."""
        shown = f"num_embeddings={self.num_embeddings}, embedding_dim={self.embedding_dim}"
        return shown if self.padding_idx is None else f"{shown}, padding_idx={self.padding_idx}"
