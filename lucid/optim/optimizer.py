"""What all optimizers share: parameter groups, state, and the loop over the gradients.

An optimizer is the formula for one parameter, ``update``; everything else is here. Three rules
hold throughout:

* A parameter without a gradient is not touched, nor even looked at: it may be the placeholder of
  a lazy layer, which has no shape yet. Its state is made at its first step.
* What a step needs is checked before the step changes anything; the same holds for adding a group
  and for loading a state.
* State tensors have the shape and the dtype of their parameter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np

from lucid.autograd import enable_grad, is_tensor
from lucid.optim.options import as_list, flag, number, pair_of_betas, shown
from lucid.optim.state import Options, State, copied, fitting_state, restored
from lucid.tensor import Tensor
from lucid.types import Array

__all__ = ["Optimizer", "Options", "ParamsLike", "State"]

ParamsLike: TypeAlias = Iterable[Tensor] | Iterable[Options]


class Optimizer:
    """Base class of all optimizers.

    A subclass passes its options to ``super().__init__``, checks them in ``check_options``, and
    gives the formula for one parameter in ``update``.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to change, usually ``model.parameters()``. Dicts are groups with options of their
        own: ``{"params": layer.parameters(), "lr": 0.01}``.
    defaults : dict
        The options of groups that do not have their own.

    Attributes
    ----------
    param_groups : list of dict
        The groups: ``"params"``, a list, and the options, which may be changed at any time.
    state : dict
        What an optimizer remembers of each parameter, by the parameter.
    defaults : dict
        The options of groups that do not have their own.

    Raises
    ------
    TypeError
        If ``params`` is not made of tensors, or an option is of the wrong type.
    ValueError
        If there are no parameters, one is there twice or is a computed tensor, or an option is
        out of range.

    Examples
    --------
    >>> import lucid
    >>> import numpy as np
    >>> class SignDescent(lucid.optim.Optimizer):
    ...     '''p = p - lr * sign(grad)'''
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...     def update(self, param, grad, state, group):
    ...         param -= group["lr"] * np.sign(grad)
    >>> w = lucid.tensor([3.0, -5.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> SignDescent([w], lr=0.5).step()
    >>> w
    tensor([ 2.5000, -4.5000], requires_grad=True)
    """

    #: The options that are finite numbers from 0 up, and those that are True or False.
    number_names: ClassVar[tuple[str, ...]] = ("lr",)
    flag_names: ClassVar[tuple[str, ...]] = ()
    #: Options that older states do not have: they stay as they are then.
    newer_options: ClassVar[tuple[str, ...]] = ()
    #: What the state of a parameter must hold, and what it may. These are tensors like the
    #: parameter, but for "step", a whole number, and the ``scalar_state_names``, floats.
    state_names: ClassVar[tuple[str, ...]] = ()
    optional_state_names: ClassVar[tuple[str, ...]] = ()
    scalar_state_names: ClassVar[tuple[str, ...]] = ()

    #: Whether ``step`` has ever been called: schedules ask.
    stepped = False

    def __init__(self, params: ParamsLike, defaults: Options) -> None:
        self.defaults = dict(defaults)
        self.check_options(self.defaults)
        self.state: defaultdict[Tensor, State] = defaultdict(dict)
        self.param_groups: list[Options] = []
        entries: list[Any] = as_list(params)
        if not entries:
            raise ValueError(
                f"{type(self).__name__} needs at least one parameter, got none\n"
                "  a module finds layers that are its attributes, not those in a list or dict;"
                "\n  an iterator is used up after one pass\n"
                "  try: model.parameters(), called anew\n"
                "  or:  self.layers = nn.ModuleList(layers), or nn.ModuleDict(layers) for a dict"
            )
        for group in entries if isinstance(entries[0], dict) else [{"params": entries}]:
            self.add_param_group(group)

    # ------------------------------------------------------------------- what a subclass defines

    def check_options(self, options: Options) -> None:
        """Raise for options that make no sense; bring the others into their plain Python form."""
        for name in self.number_names:
            if name in options:
                options[name] = number(name, options[name])
        for name in self.flag_names:
            options[name] = flag(name, options[name])
        if "betas" in options:
            options["betas"] = pair_of_betas(options["betas"])

    def update(self, param: Array, grad: Array, state: State, group: Options) -> None:
        """Change one parameter in place.

        Parameters
        ----------
        param, grad : numpy.ndarray
            The parameter and its gradient.
        state : dict
            What to remember of the parameter until the next step; at first empty.
        group : dict
            The options.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no formula\n"
            "  try: def update(self, param, grad, state, group): ..."
        )

    def remembered(self, state: State, name: str, like: Array, value: float = 0.0) -> Array:
        """The array that the state has under that name; made, full of ``value``, if it has none."""
        if state.get(name) is None:
            state[name] = Tensor._wrap(np.full_like(like, value))
        array: Array = state[name]._array
        return array

    # -------------------------------------------------------------------------------- the groups

    def add_param_group(self, param_group: Options) -> None:
        """Add parameters, for instance of a layer that is to be trained from now on.

        Parameters
        ----------
        param_group : dict
            ``"params"``, a tensor or an iterable of tensors, and options that differ from the
            defaults.

        Raises
        ------
        TypeError, ValueError
            As for the optimizer itself. Nothing is added then.
        """
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise TypeError(
                f'a parameter group is a dict with "params", got {shown(param_group)}\n'
                '  try: {"params": layer.parameters(), "lr": 0.01}'
            )
        params = param_group["params"]
        params = [params] if is_tensor(params) else as_list(params)
        known = {id(p) for group in self.param_groups for p in group["params"]}
        for i, p in enumerate(params):
            if not is_tensor(p):
                raise TypeError(
                    f"an optimizer changes tensors, got {shown(p)} at place {i}\n"
                    "  try: model.parameters(), or groups that are all dicts"
                )
            if not p.is_leaf:
                raise ValueError(
                    f"an optimizer changes leaf tensors, and the one at place {i} was computed "
                    f"(by {p.grad_fn})\n  try: x.detach().requires_grad_()"
                )
            if id(p) in known:
                raise ValueError(
                    f"a parameter belongs to one group, once, and the one at place {i} came before"
                    "\n  try: leave it out here"
                )
            known.add(id(p))
        group = {**self.defaults, **param_group, "params": params}
        self.check_options(group)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or fill them with 0.

        Parameters
        ----------
        set_to_none : bool
            Whether the gradients become None. A parameter whose gradient is None is left alone by
            ``step``, while one whose gradient is 0 still moves by its momentum.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if p._grad is not None:
                    p._grad = None if set_to_none else p._grad.detach().zero_()

    # -------------------------------------------------------------------------------- the update

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Called first; it clears the gradients, computes the loss, calls backward, and returns
            the loss.

        Returns
        -------
        object
            What ``closure`` returned; None without.

        Raises
        ------
        TypeError, ValueError
            If an option of a group no longer makes sense.
        ValueError
            If a gradient does not have the shape of its parameter. No parameter is changed then.
        """
        loss = None
        self.stepped = True
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:  # anybody may have changed them since the last step
            self.check_options(group)
        with np.errstate(all="ignore"):  # IEEE: what overflows is inf, inf - inf is nan
            work = [
                (p, self._gradient(p, p._grad), group)
                for group in self.param_groups
                for p in group["params"]
                if p._grad is not None
            ]
            for p, grad, group in work:
                self.update(p._array, grad, self.state[p], group)
                p._written()
        return loss

    def _gradient(self, p: Tensor, of_p: Tensor) -> Array:
        """The gradient of a parameter; it and the state are made to fit, or are an error."""
        array, grad = p._array, of_p._array
        shape, dtype = array.shape, array.dtype
        if grad.shape != shape:
            raise ValueError(
                f"a gradient has the shape of its parameter: expected {shape}, "
                f"got {grad.shape}\n  try: optimizer.zero_grad() and backward() once more"
            )
        state = self.state.get(p)
        if state:
            for name, value in state.items():
                if is_tensor(value) and (
                    value._array.shape != shape or value._array.dtype != dtype
                ):
                    # After model.double(), say. Only a placeholder's state can have another shape.
                    state[name] = fitting_state(name, value, p)
        return grad if grad.dtype == dtype else grad.astype(dtype)

    # --------------------------------------------------------------------------------- the state

    def state_dict(self) -> dict[str, Any]:
        """A copy of all that the optimizer remembers, as plain values and tensors.

        Returns
        -------
        dict
            ``"state"``: what is remembered of each parameter, by its number; the parameters are
            numbered as they come, through all groups. ``"param_groups"``: the options of each
            group, and in ``"params"`` the numbers of its parameters.

        Examples
        --------
        >>> import lucid
        >>> w = lucid.ones(2, requires_grad=True)
        >>> optimizer = lucid.optim.SGD([w], lr=0.1, momentum=0.9)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> optimizer.state_dict()["state"]
        {0: {'momentum_buffer': tensor([1., 1.])}}
        """
        numbers: dict[int, int] = {}
        for p in self._parameters():
            numbers[id(p)] = len(numbers)
        return {
            "state": {
                numbers[id(p)]: {name: copied(value) for name, value in state.items()}
                for p, state in self.state.items()
                if state and id(p) in numbers
            },
            "param_groups": [
                {**group, "params": [numbers[id(p)] for p in group["params"]]}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state that ``state_dict`` returned: from all of it, or on any error nothing

        Parameters
        ----------
        state_dict : dict
            From an optimizer of the same kind over the same model. It is copied.

        Raises
        ------
        ValueError
            If it does not fit this optimizer.
        """
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
            raise ValueError(
                'an optimizer\'s state is a dict with "state" and "param_groups", '
                f"got {shown(state_dict)}\n  try: what optimizer.state_dict() returned"
            )
        saved_groups, saved_state = state_dict["param_groups"], state_dict["state"]
        if not isinstance(saved_groups, list | tuple) or not isinstance(saved_state, Mapping):
            raise ValueError(
                '"param_groups" is a list and "state" a dict, '
                f"got {shown(saved_groups)} and {shown(saved_state)}"
            )
        if len(saved_groups) != len(self.param_groups):
            raise ValueError(
                "a state fits an optimizer with as many parameter groups: this one has "
                f"{len(self.param_groups)}, the state {len(saved_groups)}"
            )
        pairs = list(zip(self.param_groups, saved_groups, strict=True))
        groups = [self._merged(i, mine, saved) for i, (mine, saved) in enumerate(pairs)]
        numbers = [n for saved in saved_groups for n in saved["params"]]
        if not all(isinstance(n, int) for n in numbers) or len(set(numbers)) != len(numbers):
            raise ValueError(f"the parameters of a state have a number each, got {numbers}")
        numbered = dict(zip(numbers, self._parameters(), strict=True))
        state: defaultdict[Tensor, State] = defaultdict(dict)
        for n, saved in saved_state.items():
            if n not in numbered:
                raise ValueError(
                    f"the state of parameter {n!r} belongs to no group: their parameters are "
                    f"{numbers}"
                )
            state[numbered[n]] = restored(self, n, numbered[n], saved)
        self.param_groups, self.state = groups, state
        self.stepped = True  # so may the optimizer have that this goes on from

    def _merged(self, i: int, mine: Options, saved: Any) -> Options:
        """A group of this optimizer with the options of a saved one."""
        if not isinstance(saved, Mapping) or not isinstance(saved.get("params"), list | tuple):
            raise ValueError(
                f'a saved group is a dict with "params", a list of numbers, got {shown(saved)}'
            )
        if len(saved["params"]) != len(mine["params"]):
            raise ValueError(
                f"a state fits groups with as many parameters: group {i} has "
                f"{len(mine['params'])}, its state {len(saved['params'])}\n"
                "  try: the model that the state was saved with"
            )
        expected = [name for name in self.defaults if name not in self.newer_options]
        missing = [name for name in expected if name not in saved]
        if missing:
            raise ValueError(
                f"the options of {type(self).__name__} are {list(self.defaults)}, and the state "
                f"of group {i} has no {', '.join(missing)}\n  try: an optimizer of the same kind"
            )
        group = {**mine, **saved, "params": mine["params"]}
        try:
            self.check_options(group)
        except TypeError as error:
            raise ValueError(f"in the state of group {i}: {error}") from None
        return group

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])
