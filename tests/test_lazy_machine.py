"""Lazy models driven through anything, in any order, against a simple model of what must hold.

The network is two lazy layers. For each there is a twin: None while the layer must be waiting, and
from the moment on that it must have come to life, the eager layer that could have been written
instead, made from the same seed. Whatever is done to the network is done to the twins. After every
step a layer without a twin must have nothing to show, and all others must equal theirs bit by bit.
"""

from __future__ import annotations

import copy
import os
import pickle
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import lucid
import lucid.nn as nn
from lucid.optim import SGD, Adam

from lazy_layers import MEMBERS, assert_equal_states, assert_same, assert_waiting, first

OPTIMIZERS = {
    "SGD": lambda ps: SGD(ps, lr=0.125, momentum=0.5),
    "Adam": lambda ps: Adam(ps, lr=0.125),
}
CASES = int(os.environ.get("LUCID_TEST_CASES", "100"))
HEAD = 2  # outputs of the second layer


class Network(nn.Module):
    """A lazy layer of any kind, and a linear one behind it."""

    def __init__(self, member):
        super().__init__()
        self.body, self.head = member.make(), nn.LazyLinear(HEAD)

    def forward(self, x, spoil=False):
        y = first(self.body(x))
        return self.head(y.sum() if spoil else y)


class LazyMachine(RuleBasedStateMachine):
    @initialize(
        name=st.sampled_from(list(MEMBERS)),
        seed=st.integers(0, 9),
        kind=st.sampled_from(list(OPTIMIZERS)),
    )
    def start(self, name, seed, kind):
        self.member, self.seed, self.kind = MEMBERS[name], seed, kind
        lucid.manual_seed(seed)
        self.net = Network(self.member)
        self.twins = {"body": None, "head": None}
        self.dtype, self.training, self.trainable = "float32", True, True
        self.numbers = np.random.default_rng(seed)
        self.left_behind = []  # networks that were copied, and what they were
        self.attach()

    def attach(self):
        """What belongs to a network anew after it was copied: optimizers, and its placeholders."""
        make = OPTIMIZERS[self.kind]
        self.optimizer = make(self.net.parameters())
        self.optimizers = {n: make(t.parameters()) for n, t in self.twins.items() if t is not None}
        self.placeholders = list(self.net.parameters())

    # -------------------------------------------------------------------------------- the twins

    def come_to_life(self, name, size):
        """From now on this layer must be the eager one of this size."""
        if self.twins[name] is not None:
            return
        before = lucid.get_rng_state()
        lucid.manual_seed(self.seed)
        if name == "body":
            twin = self.member.make_eager(size, dtype=self.dtype)
        else:
            nn.Linear(1, 1)  # takes the first seed
            twin = nn.Linear(size, HEAD, dtype=self.dtype)
        lucid.set_rng_state(before)
        self.twins[name] = twin.train(self.training).requires_grad_(self.trainable)
        self.optimizers[name] = OPTIMIZERS[self.kind](twin.parameters())

    def size(self):
        twin = self.twins["body"]
        return None if twin is None else getattr(twin, self.member.inferred)

    def fits(self, size):
        return self.size() in (None, size)

    def input(self, size):
        return lucid.tensor(self.numbers.standard_normal(self.member.shape(size)), dtype=self.dtype)

    def expected(self, x, size):
        """What the twins make of an input, come to life by it."""
        self.come_to_life("body", size)
        y = first(self.twins["body"](x))
        self.come_to_life("head", y.shape[-1])
        return self.twins["head"](y)

    @contextmanager
    def nothing_drawn(self):
        before = lucid.get_rng_state()
        yield
        assert lucid.get_rng_state() == before

    # ---------------------------------------------------------------------------- forward

    @rule(other=st.booleans(), hooked=st.booleans())
    def forward(self, other, hooked):
        size = self.member.other if other else self.member.size
        x = self.input(size)
        with self.nothing_drawn():
            if self.fits(size):
                assert_same(self.net.forward(x) if hooked else self.net(x), self.expected(x, size))
            else:
                with pytest.raises(lucid.ShapeError, match=f"has {self.member.inferred}="):
                    self.net(x)

    @rule(what=st.sampled_from(["rank", "whole numbers", "dtype", "None"]))
    def forward_of_no_input(self, what):
        x = self.input(self.size() or self.member.size)
        wrong = {
            "rank": lucid.zeros((), dtype=self.dtype),
            "whole numbers": x.long(),
            "dtype": x.to("float64" if self.dtype == "float32" else "float32"),
            "None": None,
        }[what]
        with self.nothing_drawn(), pytest.raises((ValueError, TypeError)):
            self.net(wrong)

    @rule(other=st.booleans())
    def forward_that_fails_in_the_second_layer(self, other):
        size = self.size() or (self.member.other if other else self.member.size)
        x = self.input(size)
        with self.nothing_drawn(), pytest.raises(lucid.ShapeError, match=r"in model: head"):
            self.net(x, spoil=True)
        self.come_to_life("body", size)  # its own forward was all right
        self.twins["body"](x)  # and counts for running averages

    @precondition(lambda self: self.twins["body"] is None)
    @rule(error=st.sampled_from([KeyboardInterrupt, MemoryError]))
    def forward_that_is_interrupted(self, error):
        x = self.input(self.member.size)
        with (
            self.nothing_drawn(),
            mock.patch.object(self.member.eager, "reset_parameters", side_effect=error),
            pytest.raises(error),
        ):
            self.net(x)

    @rule(other=st.booleans(), spoiled=st.booleans(), shape=st.booleans())
    def materialize(self, other, spoiled, shape):
        size = self.member.other if other else self.member.size
        x = self.input(size)
        example = tuple(x.shape) if shape else x
        spoil = mock.patch.object(nn.Linear, "forward", side_effect=MemoryError)
        with self.nothing_drawn():
            if spoiled:
                with spoil, pytest.raises((MemoryError, lucid.ShapeError)):
                    self.net.materialize(example)
            elif not self.fits(size):
                with pytest.raises(lucid.ShapeError):
                    self.net.materialize(example)
            else:
                self.net.materialize(example)
                self.come_to_life("body", size)
                y = first(copy.deepcopy(self.twins["body"]).eval()(x))
                self.come_to_life("head", y.shape[-1])

    # ---------------------------------------------------------------------------- training

    @rule()
    def train_step(self):
        size = self.size() or self.member.size
        x = self.input(size)
        for optimizer in (self.optimizer, *self.optimizers.values()):
            optimizer.zero_grad()
        y, expected = self.net(x), self.expected(x, size)
        assert_same(y, expected)
        if y.requires_grad:
            g = lucid.tensor(self.numbers.standard_normal(y.shape), dtype=self.dtype)
            y.backward(g)
            expected.backward(g)
        self.step()

    @rule()
    def step(self):
        for optimizer in (self.optimizer, *self.optimizers.values()):
            optimizer.step()

    @rule(trainable=st.booleans())
    def requires_grad(self, trainable):
        self.trainable = trainable
        for module in self.everything():
            module.requires_grad_(trainable)
            module.zero_grad()

    @rule(training=st.booleans())
    def train_or_eval(self, training):
        self.training = training
        for module in self.everything():
            module.train(training)

    @rule(dtype=st.sampled_from(["float32", "float64"]))
    def convert(self, dtype):
        self.dtype = dtype
        for module in self.everything():
            module.double() if dtype == "float64" else module.float()

    @rule(seed=st.integers(0, 9))
    def reset_parameters(self, seed):
        """Drawn anew from the global stream; a layer that waits draws nothing."""
        for name, twin in self.twins.items():
            lucid.manual_seed(seed)
            before = lucid.get_rng_state()
            getattr(self.net, name).reset_parameters()
            if twin is None:
                assert lucid.get_rng_state() == before
            else:
                lucid.manual_seed(seed)
                twin.reset_parameters()

    def everything(self):
        return [self.net, *(twin for twin in self.twins.values() if twin is not None)]

    # ---------------------------------------------------------------------------- states

    def source(self, size):
        """A state for a network of this size, with numbers of its own."""
        body = self.member.make_eager(size, dtype="float64")
        y = first(body(lucid.tensor(self.numbers.standard_normal(self.member.shape(size)))))
        state = {f"body.{n}": t for n, t in body.state_dict().items()}
        head = nn.Linear(y.shape[-1], HEAD, dtype="float64")
        state |= {f"head.{n}": t for n, t in head.state_dict().items()}
        for key, value in state.items():
            if value.is_floating_point():
                state[key] = lucid.tensor(self.numbers.random(value.shape), dtype=self.dtype)
        return state, y.shape[-1]

    @rule(other=st.booleans(), assign=st.booleans(), part=st.sampled_from(["all", "body", "none"]))
    def load(self, other, assign, part):
        size = self.member.other if other else self.member.size
        before = lucid.get_rng_state()
        state, features = self.source(size)
        lucid.set_rng_state(before)
        telling = f"body.{next(iter(self.member.tensors))}"
        state = {"all": state, "body": {telling: state[telling]}, "none": {}}[part]
        with self.nothing_drawn():
            if state and not self.fits(size):
                with pytest.raises(lucid.ShapeError, match="expected shape"):
                    self.net.load_state_dict(state, strict=False, assign=assign)
                return
            self.net.load_state_dict(copy.deepcopy(state), strict=part == "all", assign=assign)
        if state:
            self.come_to_life("body", size)
        if part == "all":
            self.come_to_life("head", features)
        for name, twin in self.twins.items():
            own = {k.split(".", 1)[1]: v for k, v in state.items() if k.startswith(name)}
            if twin is not None:
                twin.load_state_dict(copy.deepcopy(own), strict=False, assign=assign)

    @rule(other=st.booleans(), fault=st.sampled_from(["shape", "text", "missing", "unexpected"]))
    def load_that_fails(self, other, fault):
        before = lucid.get_rng_state()
        state, _ = self.source(self.member.other if other else self.member.size)
        lucid.set_rng_state(before)
        if fault == "missing":
            del state["head.bias"]
        else:
            key = "odd" if fault == "unexpected" else "head.bias"
            state[key] = "text" if fault == "text" else lucid.zeros(HEAD + 1)
        with self.nothing_drawn(), pytest.raises(ValueError, match="nothing was loaded"):
            self.net.load_state_dict(state)

    # ---------------------------------------------------------------------------- copies

    @rule(how=st.sampled_from(["deepcopy", "pickle"]))
    def go_on_with_a_copy(self, how):
        state = {n: t.clone() for n, t in self.net.state_dict().items()}
        self.left_behind = [(self.net, state, repr(self.net))]
        with self.nothing_drawn():
            self.net = (
                copy.deepcopy(self.net)
                if how == "deepcopy"
                else pickle.loads(pickle.dumps(self.net))
            )
        self.twins = copy.deepcopy(self.twins)
        for module in self.everything():
            module.zero_grad()
        self.attach()

    # ---------------------------------------------------------------------------- what must hold

    @invariant()
    def waits_or_equals_its_twin(self):
        for name, member in (("body", self.member), ("head", MEMBERS["LazyLinear"])):
            layer, twin = getattr(self.net, name), self.twins[name]
            if twin is None:
                assert_waiting(layer, member)
                continue
            assert getattr(layer, member.inferred) == getattr(twin, member.inferred)
            assert_equal_states(layer, twin)
            for p, q in zip(layer.parameters(), twin.parameters(), strict=True):
                assert (p.grad is None) == (q.grad is None)
                if p.grad is not None:
                    assert_same(p.grad, q.grad)
        waiting = [name for name, twin in self.twins.items() if twin is None]
        assert self.net.has_uninitialized_parameters() == bool(waiting)

    @invariant()
    def keeps_its_parameters_and_flags(self):
        parameters = list(self.net.parameters())
        assert all(p is q for p, q in zip(parameters, self.placeholders, strict=True))
        assert all(p.requires_grad is self.trainable for p in parameters)
        assert all(p.dtype is getattr(lucid, self.dtype) for p in parameters)
        assert all(m.training is self.training for m in self.net.modules())
        assert lucid.is_grad_enabled()

    @invariant()
    def what_was_copied_stays_as_it_was(self):
        for net, state, shown in self.left_behind:
            assert repr(net) == shown
            now = net.state_dict()
            assert list(now) == list(state)
            for key, value in state.items():
                assert_same(now[key], value)


LazyMachine.TestCase.settings = settings(max_examples=CASES, stateful_step_count=20)
TestLazyMachine = LazyMachine.TestCase
