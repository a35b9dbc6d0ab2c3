"""The state of optimizers, lazy layers, and averages of weights."""

import copy
import pickle

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.optim import (
    SGD,
    Adam,
    AdamW,
    NAdam,
)
from lucid.optim.swa_utils import (
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)

from optimizers import ALL, array, give, trained

# ------------------------------------------------------------------------------------- the state


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_going_on_from_a_state_is_as_if_never_stopped(kind, options):
    (p, q), optimizer = trained(kind, options)
    saved = optimizer.state_dict()
    (p2, q2), other = trained(kind, options, steps=0)
    with lucid.no_grad():
        p2.copy_(p)
        q2.copy_(q)
    other.load_state_dict(saved)
    optimizer_twice = copy.deepcopy(saved)
    for x in (p, p2):
        give(x, 0.3, 0.7)
    for x in (q, q2):
        give(x, 0.1)
    optimizer.step()
    other.step()
    assert array(p).tobytes() == array(p2).tobytes()
    assert array(q).tobytes() == array(q2).tobytes()
    # What was saved is a copy: neither optimizer has changed it.
    assert repr(saved) == repr(optimizer_twice)


def is_plain(tree):
    if isinstance(tree, dict):
        return all(isinstance(k, str | int) and is_plain(v) for k, v in tree.items())
    if isinstance(tree, list | tuple):
        return all(map(is_plain, tree))
    return tree is None or type(tree) in (str, int, float, bool, lucid.Tensor)


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_state_dict_is_a_plain_tree_in_the_references_layout(kind, options):
    _, optimizer = trained(kind, options)
    state = optimizer.state_dict()
    assert is_plain(state)
    assert set(state) == {"state", "param_groups"}
    assert [group["params"] for group in state["param_groups"]] == [[0, 1], [2]]
    assert state["param_groups"][1]["lr"] == 0.05
    assert set(state["state"]) == (set() if kind is SGD and "momentum" not in options else {0, 2})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("state"), '"state" and "param_groups"'),
        (lambda s: s.update(state=[]), '"state" a dict'),
        (lambda s: s["param_groups"].pop(), "this one has 2, the state 1"),
        (lambda s: s["param_groups"][0]["params"].pop(), "group 0 has 2, its state 1"),
        (lambda s: s["param_groups"][0].pop("params"), 'dict with "params"'),
        (lambda s: s["param_groups"][0].pop("lr"), "has no lr"),
        (lambda s: s["param_groups"][1].update(lr=-1), "lr must be at least 0"),
        (lambda s: s["param_groups"][1].update(lr="x"), "in the state of group 1: lr must be"),
        (lambda s: s["param_groups"][1].update(params=[0]), "have a number each"),
        (lambda s: s["state"].update({7: {}}), "parameter 7 belongs to no group"),
        (lambda s: s["state"][2].pop("exp_avg"), "the state of parameter 2 has step, exp_avg_sq"),
        (lambda s: s["state"].update({2: 5}), "the state of parameter 2 has a int"),
        (lambda s: s["state"][2].update(exp_avg=lucid.ones(3)), r"expected \(1,\), got \(3,\)"),
        (lambda s: s["state"][2].update(exp_avg=1.0), "exp_avg of parameter 2 is a tensor"),
        (lambda s: s["state"][2].update(step=-1), "step of parameter 2"),
        (lambda s: s["state"][2].update(step="many"), "step of parameter 2"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    _, optimizer = trained(Adam, {"lr": 0.1})
    before = repr(optimizer.state_dict())
    state = copy.deepcopy(optimizer.state_dict())
    state["param_groups"][0]["lr"] = 0.7
    state["state"][0]["step"] = 99
    change(state)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert repr(optimizer.state_dict()) == before


def test_states_from_before_adam_had_an_option_still_load():
    for kind in (Adam, AdamW):
        _, optimizer = trained(kind, {})
        state = optimizer.state_dict()
        for group in state["param_groups"]:
            assert group.pop("decoupled_weight_decay") is (kind is AdamW)
        optimizer.load_state_dict(state)
        assert optimizer.param_groups[0]["decoupled_weight_decay"] is (kind is AdamW)
    _, adamw = trained(AdamW, {})
    adamw.load_state_dict(trained(Adam, {})[1].state_dict())
    assert adamw.param_groups[0]["decoupled_weight_decay"] is True


def test_a_scalar_of_a_state_is_checked():
    _, optimizer = trained(NAdam, {})
    state = optimizer.state_dict()
    state["state"][0]["mu_product"] = "x"
    with pytest.raises(ValueError, match="mu_product of parameter 0 is a number, got a str"):
        optimizer.load_state_dict(state)


def test_the_state_of_another_optimizer_is_refused():
    _, sgd = trained(SGD, {"momentum": 0.9})
    _, adam = trained(Adam, {})
    with pytest.raises(ValueError, match="has no betas, eps, amsgrad"):
        adam.load_state_dict(sgd.state_dict())
    with pytest.raises(ValueError, match="an optimizer of the same kind"):
        sgd.load_state_dict(adam.state_dict())
    with pytest.raises(ValueError, match="optimizer's state is a dict"):
        sgd.load_state_dict(None)


def test_copy_and_pickle():
    model = nn.Linear(2, 1)
    optimizer = Adam(model.parameters())
    model(lucid.ones(1, 2)).sum().backward()
    optimizer.step()
    for model2, optimizer2 in (
        copy.deepcopy((model, optimizer)),
        pickle.loads(pickle.dumps((model, optimizer))),
    ):
        assert optimizer2.param_groups[0]["params"][0] is model2.weight
        assert repr(optimizer2.state_dict()) == repr(optimizer.state_dict())
        model2.zero_grad()
        model2(lucid.ones(1, 2)).sum().backward()
        optimizer2.step()
        assert optimizer2.state[model2.weight]["step"] == 2
    assert optimizer.state[model.weight]["step"] == 1


# ----------------------------------------------------------------------------------- lazy layers


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_an_optimizer_built_before_the_first_forward(kind, options):  # contract 35, 36, 38
    lucid.manual_seed(0)
    lazy = nn.LazyConv1d(4, 3)
    optimizer = kind(lazy.parameters(), **options)
    optimizer.step()
    optimizer.zero_grad()
    optimizer.zero_grad(set_to_none=False)
    optimizer.load_state_dict(optimizer.state_dict())
    assert repr(optimizer).startswith(kind.__name__)
    assert lazy.weight is None
    lucid.manual_seed(0)
    eager = nn.Conv1d(2, 4, 3)
    other = kind(eager.parameters(), **options)
    x = lucid.randn(5, 2, 9)
    for _ in range(3):
        for model, opt in ((lazy, optimizer), (eager, other)):
            opt.zero_grad()
            (model(x) ** 2).mean().backward()
            opt.step()
    for name in ("weight", "bias"):
        p, q = getattr(lazy, name), getattr(eager, name)
        assert p.requires_grad
        assert array(p).tobytes() == array(q).tobytes()
        for value in optimizer.state[p].values():
            assert not isinstance(value, lucid.Tensor) or value.shape == p.shape


def test_a_placeholder_twice_is_refused():
    lazy = nn.LazyConv1d(4, 3)
    with pytest.raises(ValueError, match="came before"):
        SGD([*lazy.parameters(), *lazy.parameters()])


@pytest.mark.parametrize("channels", [2, 3])
def test_a_state_loaded_before_the_first_forward_is_checked_at_the_first_step(channels):
    eager = nn.Conv1d(2, 4, 3)
    optimizer = Adam(eager.parameters())
    eager(lucid.ones(1, 2, 5)).sum().backward()
    optimizer.step()
    lazy = nn.LazyConv1d(4, 3)
    other = Adam(lazy.parameters())
    other.load_state_dict(optimizer.state_dict())
    lazy(lucid.ones(1, channels, 5)).sum().backward()
    before = array(lazy.weight)
    if channels == 2:
        other.step()
        assert other.state[lazy.weight]["step"] == 2
        assert (array(lazy.weight) != before).any()
    else:
        with pytest.raises(ValueError, match=r"expected \(4, 3, 3\), got \(4, 2, 3\)"):
            other.step()
        assert (array(lazy.weight) == before).all()


# ------------------------------------------------------------------------------------- averages


def test_averages_of_a_model():
    model = nn.Linear(1, 1, bias=False)
    mean, ema = AveragedModel(model), AveragedModel(model, avg_fn=get_ema_avg_fn(0.75))
    values, expected = [4.0, 8.0, 0.0], None
    for value in values:
        nn.init.constant_(model.weight, value)
        mean.update_parameters(model)
        ema.update_parameters(model)
        expected = value if expected is None else 0.75 * expected + 0.25 * value
    assert mean.module.weight.item() == pytest.approx(np.mean(values))
    assert ema.module.weight.item() == pytest.approx(expected)
    assert mean.n_averaged.item() == 3
    assert mean(lucid.ones(1, 1)).item() == mean.module.weight.item()
    assert model.weight.item() == 0.0
    assert set(mean.state_dict()) == {"n_averaged", "module.weight"}


def test_averages_like_the_references():
    torch = pytest.importorskip("torch")
    from torch.optim import swa_utils as theirs

    for ours_fn, theirs_fn in (
        ({}, {}),
        ({"avg_fn": get_ema_avg_fn(0.9)}, {"avg_fn": theirs.get_ema_avg_fn(0.9)}),
        ({"avg_fn": get_swa_avg_fn()}, {"avg_fn": theirs.get_swa_avg_fn()}),
        ({"multi_avg_fn": f(0.9)} for f in (get_ema_multi_avg_fn, theirs.get_ema_multi_avg_fn)),
        ({"multi_avg_fn": f()} for f in (get_swa_multi_avg_fn, theirs.get_swa_multi_avg_fn)),
    ):
        a, b = nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
        whole = "multi_avg_fn" in theirs_fn  # the reference divides whole numbers, an error
        for use_buffers in (False,) if whole else (False, True):
            mine = AveragedModel(a, **ours_fn, use_buffers=use_buffers)
            other = theirs.AveragedModel(b, **theirs_fn, use_buffers=use_buffers)
            for i in range(4):
                x = np.random.default_rng(i).standard_normal((3, 2, 4)).astype(np.float32)
                a(lucid.tensor(x))
                b(torch.tensor(x))
                nn.init.constant_(a.weight, i)
                torch.nn.init.constant_(b.weight, i)
                mine.update_parameters(a)
                other.update_parameters(b)
            for name, value in other.state_dict().items():
                if "num_batches" not in name:
                    got = mine.state_dict()[name].numpy()
                    np.testing.assert_allclose(got, value.numpy(), rtol=1e-5, atol=1e-6)


def test_all_averages_at_once():
    def halfway(averages, new, n):
        for a, b in zip(averages, new, strict=True):
            a.copy_((a + b) / 2)

    model = nn.Linear(1, 2)
    average = AveragedModel(model, multi_avg_fn=halfway)
    for value in (1.0, 3.0):
        nn.init.constant_(model.weight, value)
        average.update_parameters(model)
    assert average.module.weight.tolist() == [[2.0], [2.0]]


def test_buffers_are_copied_or_averaged():
    model = nn.BatchNorm1d(1)
    copied, averaged = AveragedModel(model), AveragedModel(model, use_buffers=True)
    for value in (2.0, 6.0):
        model.running_mean.fill_(value)
        model.num_batches_tracked.add_(1)
        copied.update_parameters(model)
        averaged.update_parameters(model)
    assert copied.module.running_mean.item() == 6.0
    assert averaged.module.running_mean.item() == 4.0
    assert averaged.module.num_batches_tracked.item() == 2


@pytest.mark.parametrize("lazy", [False, True])
def test_averages_of_batch_norms_computed_anew(lazy):
    torch = pytest.importorskip("torch")
    model = nn.LazyBatchNorm1d() if lazy else nn.BatchNorm1d(3, momentum=0.3)
    other = torch.nn.BatchNorm1d(3, momentum=0.3)
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((n, 3, 5)).astype(np.float32) for n in (4, 4, 2)]
    if not lazy:
        model(lucid.ones(2, 3))
    model.eval()
    update_bn([(lucid.tensor(b), 0) for b in batches], model)
    torch.optim.swa_utils.update_bn([(torch.tensor(b), 0) for b in batches], other)
    for name, value in other.state_dict().items():
        got = model.state_dict()[name].numpy()
        np.testing.assert_allclose(got, value.numpy(), rtol=1e-5, atol=1e-6)
    assert model.momentum == (0.1 if lazy else 0.3)
    assert not model.training
    update_bn(iter(()), nn.ReLU())

    def broken():
        yield lucid.ones(2, 3)
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        update_bn(broken(), model)
    assert model.momentum is not None


@pytest.mark.parametrize("decay", [None, 0.5, "multi"])
def test_an_average_made_before_materialization_follows(decay):  # contract 42
    model = nn.Sequential(nn.LazyConv1d(3, 2), nn.LazyBatchNorm1d(), nn.LazyConv1d(1, 2))
    options = {None: {}, 0.5: {"avg_fn": get_ema_avg_fn(0.5)},
               "multi": {"multi_avg_fn": get_ema_multi_avg_fn(0.5)}}  # fmt: skip
    average = AveragedModel(model, **options[decay])
    average.update_parameters(model)  # nothing there yet: not an update
    assert average.n_averaged.item() == 0
    assert average.module[0].weight is None
    x = lucid.randn(4, 2, 8)
    model(x)
    seen = []
    for value in (1.0, 2.0, 6.0):
        nn.init.constant_(model[0].weight, value)
        average.update_parameters(model)
        seen.append(value)
    expected = np.mean(seen) if decay is None else 0.25 * 1 + 0.25 * 2 + 0.5 * 6
    assert average.module[0].in_channels == 2
    assert average.module[0].weight.tolist() == np.full((3, 2, 2), expected).tolist()
    assert average.module[1].running_mean.tolist() == model[1].running_mean.tolist()
    assert average(x).shape == model(x).shape
    assert all(p is not q for p, q in zip(average.parameters(), model.parameters(), strict=True))


def test_an_average_follows_layer_by_layer():  # contract 42
    class TwoPaths(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.LazyConv1d(1, 1), nn.LazyConv1d(1, 1)

    model = TwoPaths()
    average = AveragedModel(model)
    model.a(lucid.ones(1, 2, 3))
    average.update_parameters(model)
    assert average.module.a.weight.tolist() == model.a.weight.tolist()
    assert average.module.b.weight is None
    model.b(lucid.ones(1, 5, 3))
    average.update_parameters(model)
    assert average.module.b.weight.tolist() == model.b.weight.tolist()


def test_an_average_of_another_model_is_refused():
    average = AveragedModel(nn.Sequential(nn.Linear(1, 2), nn.LazyConv1d(1, 1)))
    conv = nn.LazyConv1d(1, 1)
    conv(lucid.ones(1, 2, 3))
    others = [nn.Sequential(nn.Linear(1, 3), conv), nn.Sequential(nn.Linear(1, 2)), nn.Linear(1, 2)]
    for other in others:
        with pytest.raises(ValueError, match="the model that it was made of"):
            average.update_parameters(other)
    assert average.module[1].weight is None
    assert average.n_averaged.item() == 0


def test_refused_averages():
    with pytest.raises(ValueError, match=r"at most 1, got 1\.5"):
        get_ema_avg_fn(1.5)
    with pytest.raises(ValueError, match="got both"):
        AveragedModel(nn.ReLU(), avg_fn=get_ema_avg_fn(), multi_avg_fn=lambda a, b, n: None)


def test_loading_restores_the_options_of_the_groups():
    p = lucid.ones(2, requires_grad=True)
    source = SGD([p], lr=0.25, momentum=0.5, weight_decay=0.125)
    target = SGD([p], lr=1.0)
    target.load_state_dict(source.state_dict())
    group = target.param_groups[0]
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.25, 0.5, 0.125)
    assert group["params"][0] is p


def test_an_averaged_model_can_be_pickled():
    import pickle

    from lucid import nn
    from lucid.optim.swa_utils import AveragedModel, get_ema_avg_fn

    for fn in (None, get_ema_avg_fn(0.5)):
        twin = pickle.loads(pickle.dumps(AveragedModel(nn.Linear(2, 1), avg_fn=fn)))
        twin.update_parameters(nn.Linear(2, 1))
        assert twin.n_averaged.item() == 1
