"""Several tensors brought to shapes that go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lucid.cures import choice_cure, cure, narrow_cure, nth, rank_cure
from lucid.errors import ShapeError
from lucid.ops.broadcast import common_shape, expand
from lucid.ops.join import cat, same_dtype
from lucid.ops.shape import reshape, shape_of

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def broadcast_to(input: Tensor, *size: Any) -> Tensor:
    """out = input repeated to a shape: another name of ``expand``

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *size : int or tuple of int
        The new shape; -1 keeps the size of an axis.

    Raises
    ------
    ShapeError
        If an axis of another size than 1 would have to change.

    Examples
    --------
    >>> import lucid
    >>> lucid.broadcast_to(lucid.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, shape_of(size))


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """out = each tensor repeated to the shape that all of them have together

    Parameters
    ----------
    *tensors : Tensor
        Of shapes that broadcast; each keeps its dtype.

    Raises
    ------
    ShapeError
        If there is none.

    Examples
    --------
    >>> import lucid
    >>> [t.shape for t in lucid.broadcast_tensors(lucid.zeros(3, 1), lucid.zeros(2))]
    [(3, 2), (3, 2)]
    """
    shapes = [t.shape for t in tensors]
    shape = common_shape([nth(i) for i in range(len(shapes))], shapes)
    return tuple([expand(t, shape) for t in tensors])


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """out_k[i_0, i_1, ...] = tensors_k[i_k]: the coordinates of every point of a grid

    Parameters
    ----------
    *tensors : Tensor, or a sequence of them
        The coordinates along each axis: vectors, or single numbers.
    indexing : str
        ``"ij"``, or ``"xy"`` to exchange the first two axes.

    Raises
    ------
    ShapeError
        If one has more than one axis.
    ValueError
        For another indexing.

    Examples
    --------
    >>> import lucid
    >>> rows, columns = lucid.meshgrid(lucid.tensor([1, 2]), lucid.tensor([3, 4]))
    >>> rows * 10 + columns
    tensor([[13, 14],
            [23, 24]])
    """
    vectors = list(
        tensors[0] if len(tensors) == 1 and isinstance(tensors[0], Sequence) else tensors
    )
    for i, v in enumerate(vectors):
        if v.ndim > 1:
            raise ShapeError(
                f"meshgrid takes vectors, got {[v.shape for v in vectors]}"
                + cure(f"{nth(i)}.flatten()", (v.numel(),))
            )
    if indexing not in ("ij", "xy"):
        raise ValueError(
            f'indexing is "ij" or "xy", got {indexing!r}'
            + choice_cure("indexing", indexing, ("ij", "xy"))
        )
    axes = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        axes[:2] = 1, 0
    sizes = [[1] * len(vectors) for _ in vectors]
    for size, axis, vector in zip(sizes, axes, vectors, strict=True):
        size[axis] = vector.numel()
    return broadcast_tensors(*[reshape(v, size) for v, size in zip(vectors, sizes, strict=True)])


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """out = the tensors side by side: along their second axis, vectors along their only one

    Parameters
    ----------
    tensors : sequence of Tensor
        Of equal shapes but along the axis that they are joined along; single numbers count as
        vectors.

    Raises
    ------
    ShapeError
        If the sizes along the other axes differ.
    TypeError
        If there is no tensor, or there are several dtypes.

    Examples
    --------
    >>> import lucid
    >>> lucid.hstack([lucid.tensor([[1], [2]]), lucid.tensor([[3], [4]])])
    tensor([[1, 3],
            [2, 4]])
    """
    given = same_dtype("hstack", tensors)
    parts = [reshape(t, 1) if t.ndim == 0 else t for t in given]
    axis = 0 if parts[0].ndim == 1 else 1
    check_alike("hstack", given, parts, axis)
    return cat(parts, axis)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """out = the tensors one below the other: along their first axis, vectors as rows

    Parameters
    ----------
    tensors : sequence of Tensor
        Of equal shapes but along the first axis; a vector (n,) counts as a matrix (1, n), a single
        number as (1, 1).

    Raises
    ------
    ShapeError
        If the sizes along the other axes differ.
    TypeError
        If there is no tensor, or there are several dtypes.

    Examples
    --------
    >>> import lucid
    >>> lucid.vstack([lucid.tensor([1, 2]), lucid.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    given = same_dtype("vstack", tensors)
    parts = [reshape(t, 1, t.numel()) if t.ndim < 2 else t for t in given]
    check_alike("vstack", given, parts, 0)
    return cat(parts, 0)


def check_alike(name: str, given: list[Tensor], parts: list[Tensor], axis: int) -> None:
    """The parts have one size along each axis but one; the cure is for what they were made of."""
    rest = [t.shape[:axis] + t.shape[axis + 1 :] for t in parts]
    ndims = [t.ndim for t in parts]
    if len(set(rest)) == len(set(ndims)) == 1:
        return
    # a single number counts as a vector, so its cure begins with one
    names = [nth(i) if t.ndim else f"{nth(i)}[None]" for i, t in enumerate(given)]
    shapes = [t.shape or (1,) for t in given]
    if min(ndims) < max(ndims):
        i = ndims.index(min(ndims))
        found = rank_cure(names[i], shapes[i], max(ndims), max(ndims))
    else:
        found = narrow_cure(names, shapes, but=axis - ndims[0])
    raise ShapeError(
        f"{name} joins along axis {axis} and needs equal sizes along the others, got "
        f"{[t.shape for t in given]}{found}"
    )
