"""Sums of products, named by their axes."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lucid.autograd import Function, is_tensor
from lucid.cures import cure, nth
from lucid.errors import ShapeError
from lucid.ops.broadcast import expand
from lucid.ops.index import getitem
from lucid.ops.join import same_dtype
from lucid.ops.shape import reshape
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class Einsum(Function):
    """out[its letters] = sum over all other letters of the product of x[its letters]

    No letter occurs twice in a term. The gradient of each factor is the same kind of sum: that of
    the output's gradient times the other factors.
    """

    def __init__(self, terms: Sequence[str], out: str) -> None:
        self.terms, self.out = list(terms), out

    def forward(self, *xs: Array) -> Array:
        equation = f"{','.join(self.terms)}->{self.out}"
        return np.einsum(equation, *xs, optimize=len(xs) > 1)  # type: ignore[no-any-return]

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        return tuple(self.factor(grad, i) if need else None for i, need in enumerate(self.needs))

    def factor(self, grad: Tensor, i: int) -> Tensor:
        """The gradient of input i."""
        others = [j for j in range(len(self.terms)) if j != i]
        terms = [self.out, *(self.terms[j] for j in others)]
        known = set("".join(terms))
        kept = "".join(letter for letter in self.terms[i] if letter in known)
        part = Einsum(terms, kept)(grad, *(self.saved(j) for j in others))
        # it was summed over the letters of its own: the adjoint is repeating
        shape = self.shapes[i]
        size = [n if c in known else 1 for n, c in zip(shape, self.terms[i], strict=True)]
        return expand(reshape(part, size), shape)


def einsum(equation: str, *operands: Tensor) -> Tensor:
    """out[its letters] = sum over all other letters of the product of the operands

    ``"nct,oc->not"`` reads: out[n, o, t] = sum over c of a[n, c, t] * b[o, c].

    Parameters
    ----------
    equation : str
        A letter for each axis of each operand, and after ``->`` those of the output; without it,
        the letters that occur once, in alphabetical order. ``...`` stands for any further axes,
        which are broadcast. A letter twice in one operand reads its diagonal.
    *operands : Tensor
        Of one dtype, and as many axes as their letters.

    Raises
    ------
    ShapeError
        If letters and axes do not fit.
    ValueError
        If the equation cannot be read.

    Examples
    --------
    >>> import lucid
    >>> a, b = lucid.tensor([[1.0, 2.0], [3.0, 4.0]]), lucid.tensor([10.0, 100.0])
    >>> lucid.einsum("ij,j->i", a, b)
    tensor([210., 430.])
    >>> lucid.einsum("ii", a)
    tensor(5.)
    """
    if len(operands) == 1 and not is_tensor(operands[0]):
        operands = tuple(operands[0])
    xs = same_dtype("einsum", operands)
    terms, out = letters(equation, [x.ndim for x in xs])
    sizes: dict[str, int] = {}
    for x, term in zip(xs, terms, strict=True):
        for n, letter in zip(x.shape, term, strict=True):
            if sizes.setdefault(letter, n) == 1:
                sizes[letter] = n
            if n not in (1, sizes[letter]):
                raise ShapeError(
                    f"the axes of one letter must have one size, or 1: {letter!r} of {equation!r} "
                    f"has {sizes[letter]} and {n}, in shapes {[x.shape for x in xs]}"
                    + letter_cure(letter, terms, [x.shape for x in xs])
                )
    simple = [plain(x, term, sizes) for x, term in zip(xs, terms, strict=True)]
    return Einsum([term for _, term in simple], out)(*(x for x, _ in simple))


def letter_cure(letter: str, terms: list[str], shapes: list[tuple[int, ...]]) -> str:
    """The operand that has most of the letter's axis, cut to what the others have."""
    axes = [(i, axis) for i, term in enumerate(terms) for axis, c in enumerate(term) if c == letter]
    sizes = [shapes[i][axis] for i, axis in axes]
    (i, axis), least = axes[sizes.index(max(sizes))], min(n for n in sizes if n != 1)
    return cure(f"{nth(i)}.narrow({axis}, 0, {least})")


def letters(equation: str, ndims: Sequence[int]) -> tuple[list[str], str]:
    """The terms of the operands and of the output, with letters for every ``...``."""
    left, arrow, out = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    legal = all(c in string.ascii_letters for c in (left + out).replace("...", "").replace(",", ""))
    if not legal or "," in out or any(term.count("...") > 1 for term in [*terms, out]):
        raise ValueError(f"cannot read the equation {equation!r}\n  try: 'ij,jk->ik'")
    if len(terms) != len(ndims):
        raise ValueError(f"{equation!r} has {len(terms)} terms for {len(ndims)} operands")
    free = [c for c in string.ascii_letters if c not in equation]
    most = 0  # axes that a "..." stands for
    for i, (term, ndim) in enumerate(zip(terms, ndims, strict=True)):
        n = ndim - len(term.replace("...", ""))
        if n < 0 or (n > 0 and "..." not in term):
            name, fewer = nth(i), len(term.replace("...", ""))
            raise ShapeError(
                f"the term {term!r} of {equation!r} has a tensor of {ndim} axes"
                + cure(f"{name}.flatten({fewer - 1})" if n > 0 else f"{name}[...{', None' * -n}]")
            )
        if "..." in term:
            most = max(most, n)
            terms[i] = term.replace("...", "".join(free[:n][::-1]))  # the last axis is free[0]
    rest = "".join(free[:most][::-1])
    if not arrow:
        found = "".join(terms)
        out = "..." + "".join(sorted(c for c in set(found) - set(rest) if found.count(c) == 1))
    out = out.replace("...", rest)
    if len(set(out)) < len(out) or not set(out) <= set("".join(terms)):
        raise ValueError(
            f"the output of {equation!r} must name axes of the operands, each of them once"
        )
    return terms, out


def plain(x: Tensor, term: str, sizes: dict[str, int]) -> tuple[Tensor, str]:
    """Without axes of size 1 that are broadcast, and without a letter twice."""
    kept = [i for i, c in enumerate(term) if x.shape[i] == sizes[c]]
    if len(kept) < x.ndim:
        x, term = reshape(x, [x.shape[i] for i in kept]), "".join(term[i] for i in kept)
    for letter in {c for c in term if term.count(c) > 1}:
        diagonal = np.arange(sizes[letter])
        places = [i for i, c in enumerate(term) if c == letter]
        order = [*places, *(i for i in range(x.ndim) if i not in places)]
        x = getitem(x.permute(order), (diagonal,) * len(places))
        term = letter + "".join(c for c in term if c != letter)
    return x, term
