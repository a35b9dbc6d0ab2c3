"""Schedules: their learning rates are the reference's to the last bit, and go on from a state."""

import copy
import math
import warnings
from functools import partial

import numpy as np
import pytest

import lucid
from lucid.optim import SGD, Adam, RMSprop, lr_scheduler
from lucid.optim.lr_scheduler import LRScheduler
from lucid.optim.swa_utils import SWALR


class Slower:
    """A function with something to remember."""

    def __init__(self, by):
        self.by = by

    def __call__(self, epoch):
        return 1 / (1 + self.by * epoch)


def simple(name, *args, **kwargs):
    """How to make a schedule in either framework: a function of its module and the optimizer."""
    return lambda module, optimizer: getattr(module, name)(optimizer, *args, **kwargs)


def sequence(milestones, *parts):
    return lambda module, optimizer: module.SequentialLR(
        optimizer, [part(module, optimizer) for part in parts], milestones
    )


def chain(*parts):
    return lambda module, optimizer: module.ChainedScheduler(
        [part(module, optimizer) for part in parts]
    )


WARMUP = simple("LinearLR", start_factor=0.1, total_iters=7)

SCHEDULES = {
    "step": simple("StepLR", 7, gamma=0.7),
    "multistep": simple("MultiStepLR", [3, 9, 9, 50], gamma=0.3),
    "constant": simple("ConstantLR", factor=0.3, total_iters=4),
    "linear": WARMUP,
    "linear down": simple("LinearLR", start_factor=1.0, end_factor=0.0, total_iters=9),
    "exponential": simple("ExponentialLR", 0.97),
    "polynomial": simple("PolynomialLR", total_iters=60, power=1.7),
    "cosine": simple("CosineAnnealingLR", T_max=30, eta_min=1e-4),
    "restarts": simple("CosineAnnealingWarmRestarts", 10, T_mult=2, eta_min=1e-3),
    "restarts equal": simple("CosineAnnealingWarmRestarts", 11),
    "lambda": simple("LambdaLR", lambda epoch: 0.95**epoch),
    "lambdas": simple("LambdaLR", [Slower(0.1), lambda epoch: epoch // 30]),
    "multiplicative": simple("MultiplicativeLR", [Slower(0.001), lambda epoch: 0.99]),
    "one cycle": simple("OneCycleLR", [0.5, 0.1], total_steps=210),
    "one cycle linear": simple(
        "OneCycleLR", 0.3, epochs=21, steps_per_epoch=10, anneal_strategy="linear", three_phase=True
    ),
    "one cycle plain": simple("OneCycleLR", 0.3, 220, pct_start=0.1, cycle_momentum=False),
    "cyclic": simple("CyclicLR", 0.01, [0.3, 0.2], step_size_up=10, step_size_down=17),
    "cyclic halving": simple("CyclicLR", 0.01, 0.3, 9, mode="triangular2", cycle_momentum=False),
    "cyclic falling": simple("CyclicLR", 0.01, 0.3, 9, mode="exp_range", gamma=0.99),
    "cyclic own": simple("CyclicLR", 0.01, 0.3, 9, scale_fn=Slower(0.1), scale_mode="iterations"),
    "warm-up": sequence([7], WARMUP, simple("CosineAnnealingLR", 150)),
    "three": sequence([5, 20], simple("ConstantLR"), simple("ExponentialLR", 0.9),
                      simple("StepLR", 4)),
    "nested": sequence([30], sequence([7], WARMUP, simple("StepLR", 3)),
                       simple("ExponentialLR", 0.9)),
    "chain": chain(WARMUP, simple("ExponentialLR", 0.98)),
}  # fmt: skip

OPTIMIZERS = {"SGD": {"lr": 0.1, "momentum": 0.9}, "Adam": {"lr": 0.01}}


def optimizer(kind="SGD", library=lucid, groups=2):
    options = OPTIMIZERS[kind]
    ps = [library.ones(1, requires_grad=True) for _ in range(groups)]
    made = [{"params": [p], "lr": options["lr"] / (i + 1)} for i, p in enumerate(ps)]
    return getattr(library.optim, kind)(made, **options)


def state_of(opt):
    names = ("lr", "momentum", "betas")
    return [[group[name] for name in names if name in group] for group in opt.param_groups]


def reference(name, opt):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():  # a sequence in a sequence steps before the optimizer does
        warnings.filterwarnings("ignore", message="Detected call")
        return SCHEDULES[name](torch.optim.lr_scheduler, opt)


def run(opt, schedule, steps):
    """What the optimizer's options are in each of the next epochs."""
    seen = []
    for _ in range(steps):
        seen.append(state_of(opt))
        opt.step()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*epoch parameter")
            schedule.step()
    return seen


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rates_are_the_references_to_the_last_bit(name, kind):
    torch = pytest.importorskip("torch")
    ours, theirs = optimizer(kind), optimizer(kind, torch)
    mine = SCHEDULES[name](lr_scheduler, ours)
    other = reference(name, theirs)
    assert mine.get_last_lr() == other.get_last_lr()
    assert run(ours, mine, 200) == run(theirs, other, 200)
    assert mine.get_last_lr() == other.get_last_lr()


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_goes_on_from_its_state(name, tmp_path):
    first = optimizer()
    schedule = SCHEDULES[name](lr_scheduler, first)
    run(first, schedule, 13)
    saved = {"optimizer": first.state_dict(), "schedule": schedule.state_dict()}
    lucid.save(saved, tmp_path / "run")
    expected = run(first, schedule, 60)
    again = lucid.load(tmp_path / "run")
    for state in (saved, again):  # what was saved is a snapshot, too
        second = optimizer()
        other = SCHEDULES[name](lr_scheduler, second)
        second.load_state_dict(state["optimizer"])
        other.load_state_dict(state["schedule"])
        assert run(second, other, 60) == expected
        assert other.get_last_lr() == schedule.get_last_lr()


@pytest.mark.parametrize("name", SCHEDULES)
def test_states_go_to_the_reference_and_back(name):
    torch = pytest.importorskip("torch")
    ours, theirs = optimizer(), optimizer(library=torch)
    mine = SCHEDULES[name](lr_scheduler, ours)
    other = reference(name, theirs)
    run(theirs, other, 8)
    ours.load_state_dict(theirs.state_dict())
    mine.load_state_dict(other.state_dict())
    assert run(ours, mine, 30) == run(theirs, other, 30)
    theirs = optimizer(library=torch)
    other = reference(name, theirs)
    run(theirs, other, 1)
    theirs.load_state_dict(ours.state_dict())
    other.load_state_dict(mine.state_dict())
    assert run(ours, mine, 30) == run(theirs, other, 30)


@pytest.mark.parametrize("name", SCHEDULES)
def test_copies_are_independent(name):
    first = optimizer()
    schedule = SCHEDULES[name](lr_scheduler, first)
    run(first, schedule, 3)
    second, other = copy.deepcopy((first, schedule))
    assert other.optimizer is second
    assert run(second, other, 9) == run(first, schedule, 9)


@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (simple("StepLR", 7, gamma=0.7), lambda t: 0.7 ** (t // 7)),
        (simple("ExponentialLR", 0.97), lambda t: 0.97**t),
        (WARMUP, lambda t: 0.1 + 0.9 * min(t, 7) / 7),
        (simple("CosineAnnealingLR", 30), lambda t: (1 + math.cos(math.pi * t / 30)) / 2),
        (simple("PolynomialLR", 60, power=2.0), lambda t: (1 - min(t, 60) / 60) ** 2),
        (simple("LambdaLR", lambda t: 1 / (t + 1)), lambda t: 1 / (t + 1)),
        (simple("ConstantLR", 0.3, 4), lambda t: 0.3 if t < 4 else 1),
        (simple("MultiStepLR", [3, 9, 9], 0.3), lambda t: 0.3 ** ((t >= 3) + 2 * (t >= 9))),
    ],
)
def test_against_the_formula_step_by_step_and_at_once(make, formula):
    opt = optimizer(groups=1)
    schedule = make(lr_scheduler, opt)
    for t in range(100):
        assert opt.param_groups[0]["lr"] == pytest.approx(0.1 * formula(t), rel=1e-9, abs=1e-12)
        opt.step()
        schedule.step()
    for t in (40, 3, 0):
        with pytest.warns(UserWarning, match="deprecated"):
            schedule.step(t)
        assert opt.param_groups[0]["lr"] == pytest.approx(0.1 * formula(t), rel=1e-9, abs=1e-12)


def test_restarts_between_epochs():
    torch = pytest.importorskip("torch")
    ours, theirs = optimizer(), optimizer(library=torch)
    for arguments in ((10, 1), (10, 3)):
        mine, other = (
            module.CosineAnnealingWarmRestarts(opt, *arguments)
            for module, opt in ((lr_scheduler, ours), (torch.optim.lr_scheduler, theirs))
        )
        for epoch in (0.0, 3.25, 9.9, 10, 17.5, 40.5, 200.25, 2.5):
            mine.step(epoch)
            other.step(epoch)
            assert state_of(ours) == state_of(theirs)
    with pytest.raises(ValueError, match="at least 0, got -1"):
        mine.step(-1)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_plateau(mode, threshold_mode):
    torch = pytest.importorskip("torch")
    options = {
        "mode": mode, "threshold_mode": threshold_mode, "factor": 0.5, "patience": 2,
        "cooldown": 1, "threshold": 0.01, "min_lr": [1e-3, 1e-4],
    }  # fmt: skip
    rng = np.random.default_rng(0)
    ours, theirs = optimizer(), optimizer(library=torch)
    mine = lr_scheduler.ReduceLROnPlateau(ours, **options)
    other = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    for t in range(80):
        metric = float(np.round(rng.standard_normal() + t / 40, 2))
        mine.step(lucid.tensor(metric) if t % 2 else metric)
        other.step(torch.tensor(metric) if t % 2 else metric)
        assert state_of(ours) == state_of(theirs)
        assert mine.in_cooldown == other.in_cooldown
        if t == 30:
            state = mine.state_dict()
            ours2 = copy.deepcopy(ours)
            mine = lr_scheduler.ReduceLROnPlateau(ours2, **options)
            mine.load_state_dict(state)
            ours = ours2
        if t == 50:
            mine.load_state_dict(other.state_dict())
    assert state_of(ours)[0][0] < 0.1
    with pytest.warns(UserWarning, match="deprecated"):
        mine.step(0.0, epoch=7)
    assert mine.last_epoch == 7


def test_a_plateau_of_groups_added_later():
    opt = optimizer(groups=1)
    one, each = (lr_scheduler.ReduceLROnPlateau(opt, min_lr=m, patience=0) for m in (0.0, [0.0]))
    opt.add_param_group({"params": [lucid.ones(1, requires_grad=True)], "lr": 1.0})
    one.step(1.0)
    one.step(1.0)
    assert [group["lr"] for group in opt.param_groups] == pytest.approx([0.01, 0.1])
    each.step(1.0)
    with pytest.raises(RuntimeError, match=r"1, and now there are 2 groups"):
        each.step(1.0)


def test_swalr():
    torch = pytest.importorskip("torch")
    for options in ({"swa_lr": 0.05}, {"swa_lr": [0.2, 0.05], "anneal_strategy": "linear"},
                    {"swa_lr": 0.05, "anneal_epochs": 0}):  # fmt: skip
        ours, theirs = optimizer(), optimizer(library=torch)
        mine, other = SWALR(ours, **options), torch.optim.swa_utils.SWALR(theirs, **options)
        assert run(ours, mine, 15) == run(theirs, other, 15)
    with pytest.raises(ValueError, match="'cos' or 'linear', got 'x'"):
        SWALR(ours, 0.1, anneal_strategy="x")
    with pytest.raises(ValueError, match="at least 0, got -1"):
        SWALR(ours, 0.1, anneal_epochs=-1)


def test_going_on_by_last_epoch():
    torch = pytest.importorskip("torch")
    for name in ("step", "exponential", "linear", "polynomial", "cosine", "lambda", "one cycle"):
        results = []
        for library, module in ((lucid, lr_scheduler), (torch, torch.optim.lr_scheduler)):
            opt = optimizer(library=library)
            run(opt, SCHEDULES[name](module, opt), 9)
            make = {
                "step": partial(module.StepLR, step_size=7, gamma=0.7),
                "exponential": partial(module.ExponentialLR, gamma=0.97),
                "linear": partial(module.LinearLR, start_factor=0.1, total_iters=7),
                "polynomial": partial(module.PolynomialLR, total_iters=60, power=1.7),
                "cosine": partial(module.CosineAnnealingLR, T_max=30, eta_min=1e-4),
                "lambda": partial(module.LambdaLR, lr_lambda=lambda epoch: 0.95**epoch),
                "one cycle": partial(module.OneCycleLR, max_lr=[0.5, 0.1], total_steps=210),
            }[name]
            results.append(run(opt, make(opt, last_epoch=8), 40))
        assert results[0] == results[1], name
    with pytest.raises(KeyError, match="group 0 has no initial_lr"):
        lr_scheduler.StepLR(optimizer(), 3, last_epoch=4)


# ---------------------------------------------------------------------------------- wrong use


def test_the_order_of_steps():
    opt = optimizer()
    schedule = lr_scheduler.StepLR(opt, 3)
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
        schedule.step()
    opt = optimizer()
    schedule = lr_scheduler.StepLR(opt, 3)
    opt.step()
    schedule.step()

    class Own(SGD):
        def step(self, closure=None):
            return None

    own = Own([lucid.ones(1, requires_grad=True)])
    lr_scheduler.StepLR(own, 3).step()  # nobody knows whether it has stepped


def test_a_group_added_later_is_an_error():
    opt = optimizer()
    schedule = lr_scheduler.StepLR(opt, 3)
    opt.add_param_group({"params": [lucid.ones(1, requires_grad=True)]})
    opt.step()
    with pytest.raises(ValueError, match="2, and now there are 3"):
        schedule.step()


def test_one_cycle_ends():
    opt = optimizer()
    schedule = lr_scheduler.OneCycleLR(opt, 0.1, total_steps=4)
    run(opt, schedule, 4)
    opt.step()
    with pytest.raises(ValueError, match="made for 4 steps, and this is step 5"):
        schedule.step()


def test_one_cycle_whose_way_up_takes_no_step():
    opt = optimizer()
    schedule = lr_scheduler.OneCycleLR(opt, 0.2, total_steps=10, pct_start=0.1)
    assert schedule.get_last_lr() == [0.2, 0.2]


NOTHING_TO_CYCLE = partial(RMSprop, momentum=0.0)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: lr_scheduler.StepLR("adam", 3), TypeError, "str is not an Optimizer"),
        (lambda o: lr_scheduler.StepLR(o, 0), ValueError, "step_size must be at least 1, got 0"),
        (lambda o: lr_scheduler.CosineAnnealingLR(o, 0), ValueError, "T_max must be at least 1"),
        (lambda o: lr_scheduler.ConstantLR(o, 2.0), ValueError, "from 0 to 1, got 2"),
        (lambda o: lr_scheduler.LinearLR(o, 0.0), ValueError, "start_factor must be above 0"),
        (lambda o: lr_scheduler.LinearLR(o, 1, 1.5), ValueError, "end_factor must be from 0 to 1"),
        (lambda o: lr_scheduler.LambdaLR(o, [len]), ValueError, "2 groups and 1 values"),
        (lambda o: lr_scheduler.LambdaLR(o, 0.1), TypeError, "should be a function, got float"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0 must be"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 1, 1.5), ValueError, "T_mult must"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1), ValueError, "not given(.|\n)*len.loader."),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 0), ValueError, "total_steps must be"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, epochs=2), ValueError, "not given"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 9, pct_start=1.5), ValueError, "pct_start"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 9, pct_start=1), ValueError, "a float"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 9, anneal_strategy="x"), ValueError, "got 'x'"),
        (lambda o: lr_scheduler.OneCycleLR(o, [1.0], 9), ValueError, "2 groups and 1 values"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, mode="x"), ValueError, "got 'x'"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, 0), ValueError, "step_size_up"),
        (lambda o: lr_scheduler.SequentialLR(o, [], []), ValueError, "at least one"),
        (lambda o: lr_scheduler.SequentialLR(o, [3], []), TypeError, "part 0 must be a schedule"),
        (lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 3)], [1]), ValueError,
         "expected 0 for 1 schedules, got 1"),
        (lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.ReduceLROnPlateau(o)], []),
         ValueError, "needs a metric"),
        (lambda o: lr_scheduler.ChainedScheduler(
            [lr_scheduler.StepLR(x, 3) for x in (o, optimizer())]), ValueError,
         "and part 1 is not"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), ValueError, "below 1, got 1"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, mode="up"), ValueError, "got 'up'"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "got 'x'"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, min_lr=[0.1]), ValueError, "1 values"),
        (lambda o: LRScheduler(o), NotImplementedError, "try: def next_lr"),
    ],
)  # fmt: skip
def test_refused_schedules(make, error, message):
    with pytest.raises(error, match=message):
        make(optimizer())


def test_what_has_no_momentum_cannot_cycle_it():
    opt = lucid.optim.Adagrad([lucid.ones(1, requires_grad=True)])
    for make in (simple("OneCycleLR", 0.1, 9), simple("CyclicLR", 0.1, 1.0)):
        with pytest.raises(ValueError, match=r"Adagrad has no momentum(.|\n)*cycle_momentum=False"):
            make(lr_scheduler, opt)
    assert opt.param_groups[0]["lr"] == 0.01
    assert "max_lr" not in opt.param_groups[0]


def test_a_state_of_another_kind_changes_nothing():
    opt = Adam([lucid.ones(1, requires_grad=True)])
    step, cosine = lr_scheduler.StepLR(opt, 3), lr_scheduler.CosineAnnealingLR(opt, 9)
    before = step.state_dict()
    for state in (cosine.state_dict(), None, {}):
        with pytest.raises(ValueError, match=r"without(.|\n)*step_size"):
            step.load_state_dict(state)
    assert step.state_dict() == before
    chained = lr_scheduler.ChainedScheduler([step, cosine])
    state = chained.state_dict()
    state["_schedulers"][0]["gamma"] = 7
    del state["_schedulers"][1]["T_max"]
    with pytest.raises(ValueError, match="without T_max"):
        chained.load_state_dict(state)
    assert step.state_dict() == before
    state["_schedulers"].pop()
    with pytest.raises(ValueError, match="here are 2, in the state 1"):
        chained.load_state_dict(state)
    with pytest.raises(ValueError, match="here are 1 functions, in the state 2"):
        lr_scheduler.LambdaLR(opt, lambda e: 1.0).load_state_dict(
            {**lr_scheduler.LambdaLR(opt, lambda e: 1.0).state_dict(), "lr_lambdas": [None, None]}
        )
