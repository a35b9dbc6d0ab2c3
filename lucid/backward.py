"""The backward walk: from outputs to leaves, each node after all of its users.

``Tensor.backward`` and ``lucid.autograd.grad`` both end in ``run_backward``. It puts the nodes in
order, hands each the gradient of its output, and adds what comes back to the gradients of its
inputs. Nothing is changed before the whole walk went well.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from lucid.autograd import Function, Hook, edges_of, is_tensor, make_tensor
from lucid.cures import shape_cure
from lucid.errors import ShapeError
from lucid.grad_mode import recording
from lucid.memory import Saved, note

if TYPE_CHECKING:
    from lucid.tensor import Tensor

# Threads may train on one set of parameters: adding to a gradient is one step.
_accumulating = threading.Lock()


def _renew_lock() -> None:
    """In a forked child, where a thread that held the lock does not exist."""
    global _accumulating
    _accumulating = threading.Lock()


with contextlib.suppress(AttributeError):  # Windows cannot fork
    os.register_at_fork(after_in_child=_renew_lock)


class GradientShapeError(ShapeError):
    """A backward returned a gradient of another shape than its input's."""

    def __init__(self, op: str, expected: tuple[int, ...], got: tuple[int, ...]) -> None:
        self.cure = shape_problem(expected, got)
        super().__init__(
            f"backward of {op} must return gradients of its inputs' shapes: "
            f"expected {expected}, got {got}" + (f"\n  try: {self.cure}" if self.cure else "")
        )


def shape_problem(
    expected: tuple[int, ...], got: tuple[int, ...], keep: str = "keepdim"
) -> str | None:
    """The sum that was left out, if an input of the expected shape broadcasts to the other."""
    lead = len(got) - len(expected)
    padded = (1,) * lead + expected
    if lead < 0 or any(e not in (1, g) for e, g in zip(padded, got, strict=True)):
        return None
    # axes that broadcasting adds in front, and those of size 1 that it stretches
    new, stretched = range(lead), [i for i in range(lead, len(got)) if padded[i] != got[i]]
    steps = "".join(
        f".sum({tuple(axes) if len(axes) > 1 else axes[0]}{option})"
        for axes, option in ((stretched, f", {keep}=True"), (new, ""))
        if axes
    )
    return f"grad{steps}, since the input was broadcast from {expected} to {got}"


def run_backward(
    outputs: Sequence[Tensor],
    seeds: Sequence[Tensor],
    wanted: Sequence[Tensor] | None,
    retain_graph: bool,
    create_graph: bool,
) -> dict[int, Tensor]:
    """Propagate the gradients ``seeds`` of ``outputs`` back through the graph.

    With ``wanted`` None every leaf accumulates into its ``.grad``. Otherwise no ``.grad`` is
    touched: the gradients of the wanted tensors come back, by the id of their place in the graph.
    """
    grads: dict[int, Tensor] = {}  # gradient of each place, by id; places stay alive in `order`
    order = users_first([place(t) for t in outputs])
    targets = useful = None
    if wanted is not None:
        targets = {id(place(t)) for t in wanted}
        order = leading_to(order, targets)
        useful = {id(spot) for spot in order}
    found: dict[int, Tensor] = {}
    unshared: set[int] = set()  # places whose gradient nobody else has
    results: list[tuple[Tensor, Tensor, bool]] = []  # leaves, and whoever else keeps its gradient
    walked: list[Function] = []
    before, recording.enabled = recording.enabled, create_graph
    try:
        for output, seed in zip(outputs, seeds, strict=True):
            add_to(grads, unshared, place(output), seed, False)
        for spot in order:
            grad = grads.pop(id(spot), None)
            if grad is None:
                continue
            hooks = spot.hooks if isinstance(spot, Function) else spot._hooks
            if hooks:
                grad = apply_hooks(hooks, grad)
            if targets is not None and id(spot) in targets:
                found[id(spot)] = grad
            if not isinstance(spot, Function):
                results.append((spot, grad, id(spot) in unshared and not hooks))
                continue
            keeper = spot.keeper() if spot.keeper is not None else None
            if keeper is not None:
                results.append((keeper, grad, False))
            # a target that nothing else is wanted behind is not walked through
            if useful is None or any(id(edge) in useful for edge in edges_of(spot)):
                propagate(spot, grad, grads, unshared)
                walked.append(spot)
        if targets is None:  # all went well: only now is anything changed
            for tensor, grad, alone in results:
                accumulate(tensor, grad, create_graph, alone)
    finally:
        recording.enabled = before
    if not retain_graph:
        for node in walked:
            node.release()
    return found


def place(tensor: Tensor) -> Function | Tensor:
    """Where a tensor stands in the graph: its node, or itself if it is a leaf."""
    return tensor._node or tensor


def users_first(roots: Sequence[Function | Tensor]) -> list[Function | Tensor]:
    """All places behind ``roots``, each after all of its users. Iterative: graphs are deep."""
    order: list[Function | Tensor] = []
    seen: set[int] = set()
    stack: list[Function | Tensor | None] = [*reversed(roots)]
    open_spots: list[Function] = []  # of which all that lies behind is being walked
    while stack:
        spot = stack.pop()
        if spot is None:  # what lies behind the last of them is in the order by now
            order.append(open_spots.pop())
        elif id(spot) not in seen:
            seen.add(id(spot))
            if isinstance(spot, Function):
                open_spots.append(spot)
                stack.append(None)
                stack += [edge for edge in edges_of(spot) if edge is not None]
            else:
                order.append(spot)
    order.reverse()
    return order


def leading_to(order: list[Function | Tensor], targets: set[int]) -> list[Function | Tensor]:
    """The part of ``order`` from which a target can be reached."""
    useful: set[int] = set()
    for spot in reversed(order):
        edges = edges_of(spot) if isinstance(spot, Function) else ()
        if id(spot) in targets or any(id(edge) in useful for edge in edges):
            useful.add(id(spot))
    return [spot for spot in order if id(spot) in useful]


def propagate(node: Function, grad: Tensor, grads: dict[int, Tensor], unshared: set[int]) -> None:
    """Call a node's backward, and add what it returns to the gradients of its inputs."""
    edges = node.edges if node.edges is not None else edges_of(node)
    if node.adds_gradient and can_take(total := grads.get(id(edges[0])), grad, edges[0], unshared):
        with np.errstate(all="ignore"):
            node.add_gradient(grad._array, total._array)
        return
    result = node.backward(grad)
    if result is None:  # an end without return looks the same, and would train nothing
        raise TypeError(
            f"backward of {type(node).__name__} returned None\n"
            "  try: return grad * ...    # or return (None,), for no gradient"
        )
    parts = result if isinstance(result, tuple) else (result,)
    if len(parts) != len(edges):
        raise ValueError(
            f"backward of {type(node).__name__} must return one gradient for each of its "
            f"{len(edges)} inputs, got {len(parts)}"
        )
    for edge, part, shape in zip(edges, parts, node.shapes, strict=True):
        if edge is None or part is None:
            continue
        if not is_tensor(part):
            raise TypeError(
                f"backward of {type(node).__name__} must return tensors, "
                f"got {type(part).__name__}\n  try: tensor operations instead of NumPy's"
            )
        if part._array.shape != shape:
            raise GradientShapeError(type(node).__name__, shape, part._array.shape)
        add_to(grads, unshared, edge, part, node.new_gradients)


def add_to(
    grads: dict[int, Tensor], unshared: set[int], spot: Function | Tensor, grad: Tensor, new: bool
) -> None:
    """Sum up: a tensor used twice gets both gradients, and their sum is an array of its own."""
    known = grads.get(id(spot))
    if can_take(known, grad, spot, unshared):
        with np.errstate(all="ignore"):
            known._array += grad._array
        return
    grads[id(spot)] = grad if known is None else known + grad
    if new or known is not None:
        unshared.add(id(spot))


def can_take(
    total: Tensor | None, grad: Tensor, spot: Function | Tensor | None, unshared: set[int]
) -> TypeGuard[Tensor]:
    """Whether ``grad`` can be added in place to the ``total`` of a place: nobody else has it."""
    return (
        total is not None
        and id(spot) in unshared
        and not recording.enabled
        and total._array.base is None
        and total._array.dtype == grad._array.dtype
    )


def apply_hooks(hooks: list[Hook], grad: Tensor) -> Tensor:
    """Show a gradient to the hooks of its place, each of which may replace it."""
    for hook in list(hooks):
        before = Saved(*note(grad._array, grad._memory))
        replacement = hook(grad)
        if before.changed():
            raise RuntimeError(
                "a hook must not change the gradient in place: others may be using it\n"
                "  try: return grad * 2 instead of grad *= 2"
            )
        if replacement is not None:
            if not is_tensor(replacement):
                raise TypeError(
                    f"a hook returns a tensor or None, got {type(replacement).__name__}"
                )
            if replacement.shape != grad.shape:
                raise ValueError(
                    "a hook must return a gradient of the same shape: "
                    f"expected {grad.shape}, got {replacement.shape}"
                )
            grad = replacement.to(grad.dtype)
    return grad


def accumulate(leaf: Tensor, grad: Tensor, create_graph: bool, unshared: bool) -> None:
    """leaf.grad += grad; one that is unshared can be kept as it is"""
    with _accumulating:
        if leaf._grad is None:
            grad = grad if grad._array.dtype == leaf._array.dtype else grad.to(leaf.dtype)
            whole = grad._array.base is None and grad._array.flags.c_contiguous
            leaf._grad = (
                grad if unshared and whole and not create_graph else own(grad, create_graph)
            )
        elif create_graph:
            leaf._grad = leaf._grad + grad.to(leaf.dtype)
        else:
            if leaf._grad._requires_grad:  # its graph would not know of what is added here
                leaf._grad = own(leaf._grad, False)
            leaf._grad.add_(grad)


def own(grad: Tensor, create_graph: bool) -> Tensor:
    """A copy: the same array may be on its way to another leaf, or be the user's own."""
    return grad.clone() if create_graph else make_tensor(grad._array.copy(order="C"))


def seed_gradient(output: Tensor, gradient: Tensor | None) -> Tensor:
    """Return the gradient to start from at an output: the given one, or 1 for a single number."""
    if not output._requires_grad:
        raise RuntimeError(
            "backward needs a tensor that was computed from one with requires_grad=True, "
            "got one that was not\n"
            "  usual reasons: argmax, a comparison, detach(), item(), numpy() or no_grad() "
            "on the way,\n  after which no gradient goes back; or nothing asked for one\n"
            "  try: loss = criterion(model(x), y)    # of the scores themselves, without these\n"
            "  or:  x.requires_grad_()               # before anything is computed from x"
        )
    if gradient is None:
        if output._array.size != 1:
            raise RuntimeError(
                "backward without a gradient starts from a single number, got a tensor of shape "
                f"{output.shape}\n  try: loss.mean()"
            )
        return make_tensor(np.ones_like(output._array))
    if not is_tensor(gradient):
        raise TypeError(
            f"the gradient to start from is a tensor, got {type(gradient).__name__}\n"
            "  try: lucid.tensor(...)"
        )
    if gradient.shape != output.shape:
        raise ShapeError(
            f"the gradient of a tensor has its shape: expected {output.shape}, got {gradient.shape}"
            + shape_cure("gradient", gradient.shape, output.shape)
        )
    return gradient.to(output.dtype)
