"""A run stopped at any step and resumed from its checkpoint ends as if it had never stopped."""

import pytest

import lucid
from lucid import nn, optim
from lucid.data import DataLoader, Dataset, augment
from lucid.optim import lr_scheduler
from lucid.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

EPOCHS, BATCHES = 3, 4


class Noise(nn.Module):
    """Dropout, in short: random in training."""

    def forward(self, x):
        return x * (lucid.rand(*x.shape) > 0.2).float() if self.training else x


class Signals(Dataset):
    """Two kinds of signals, changed anew each time."""

    def __getitem__(self, i):
        x = lucid.linspace(-1, 1, 16).reshape(1, 16) * (1 if i % 2 else -1)
        return augment.time_shift(augment.jitter(x, 0.3), 2), i % 2

    def __len__(self):
        return 14


class Run:
    """All that a checkpoint has to hold, made anew by every process."""

    def __init__(self, recipe, workers=0):
        lucid.manual_seed(0)
        self.model = nn.Sequential(
            nn.LazyConv1d(4, 3), nn.LazyBatchNorm1d(), nn.ReLU(), Noise(), nn.Flatten(),
            nn.LazyLinear(2),
        )  # fmt: skip
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(0.8))
        self.optimizer, self.schedule, self.per_epoch = RECIPES[recipe](self.model.parameters())
        self.loader = DataLoader(Signals(), 4, shuffle=True, num_workers=workers)
        self.epoch = 0

    def parts(self):
        return {name: getattr(self, name) for name in
                ("model", "average", "optimizer", "schedule", "loader")}  # fmt: skip

    def save(self, path):
        state = {name: part.state_dict() for name, part in self.parts().items()}
        lucid.save({**state, "epoch": self.epoch, "random": lucid.get_rng_state()}, path)

    def load(self, path):
        state = lucid.load(path)
        for name, part in self.parts().items():
            part.load_state_dict(state[name])
        self.epoch = state["epoch"]
        lucid.set_rng_state(state["random"])

    def train(self, after_step=lambda: None):
        while self.epoch < EPOCHS:
            for x, y in self.loader:
                self.optimizer.zero_grad()
                nn.functional.cross_entropy(self.model(x), y).backward()
                self.optimizer.step()
                self.average.update_parameters(self.model)
                if not self.per_epoch:
                    self.schedule.step()
                after_step()
            if self.per_epoch:
                self.schedule.step()
            self.epoch += 1
        return self.result()

    def result(self):
        numbers = [self.model.state_dict(), self.average.state_dict()]
        arrays = [(name, t.numpy().tobytes()) for s in numbers for name, t in s.items()]
        return arrays, repr(self.optimizer.state_dict()), repr(self.schedule.state_dict())


def onecycle(params):
    optimizer = optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True)
    return optimizer, lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=EPOCHS * BATCHES), False


def adam(params):
    optimizer = optim.Adam(params, lr=0.01, amsgrad=True)
    warmup = lr_scheduler.LinearLR(optimizer, 0.1, total_iters=3)
    cosine = lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * BATCHES - 3)
    return optimizer, lr_scheduler.SequentialLR(optimizer, [warmup, cosine], [3]), False


def per_epoch(kind, **options):
    def make(params):
        optimizer = kind(params, **options)
        return optimizer, lr_scheduler.StepLR(optimizer, 2, 0.5), True

    return make


RECIPES = {
    "momentum, one cycle": onecycle,
    "Adam, warm-up": adam,
    "AdamW": per_epoch(optim.AdamW, lr=0.01),
    "NAdam": per_epoch(optim.NAdam, lr=0.01),
    "RAdam": per_epoch(optim.RAdam, lr=0.01),
    "RMSprop": per_epoch(optim.RMSprop, lr=0.01, momentum=0.5, centered=True),
    "Adagrad": per_epoch(optim.Adagrad, lr=0.05, lr_decay=0.1),
    "Adadelta": per_epoch(optim.Adadelta),
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_stopped_at_any_step_and_resumed(recipe, tmp_path):
    first, saved = Run(recipe), []

    def save():
        saved.append(tmp_path / f"{len(saved)}")
        first.save(saved[-1])

    expected = first.train(save)
    assert len(saved) == EPOCHS * BATCHES
    for path in saved:
        lucid.manual_seed(99)
        lucid.rand(7)  # another process, which has drawn other numbers
        run = Run(recipe)
        run.load(path)
        assert run.train() == expected, path.name


class Stop(Exception):
    """Somebody pulls the plug."""


@pytest.mark.parametrize("workers", [(0, 2), (2, 0), (2, 2)])
def test_stopped_and_resumed_with_workers(workers, tmp_path):
    expected = Run("Adam, warm-up").train()
    run, steps = Run("Adam, warm-up", workers[0]), []

    def stop():
        steps.append(None)
        if len(steps) == 6:
            run.save(tmp_path / "run")
            raise Stop

    with pytest.raises(Stop):
        run.train(stop)
    other = Run("Adam, warm-up", workers[1])
    other.load(tmp_path / "run")
    assert other.train() == expected


def test_what_a_checkpoint_lacks_shows(tmp_path):
    """The test above can fail: without one of its parts, a resumed run ends elsewhere."""
    first = Run("momentum, one cycle")

    def save():
        if first.schedule.last_epoch == 6:
            first.save(tmp_path / "run")

    expected = first.train(save)
    for lacking in ("average", "optimizer", "loader", "random"):
        run = Run("momentum, one cycle")
        state = lucid.load(tmp_path / "run")
        for name, part in run.parts().items():
            if name != lacking:
                part.load_state_dict(state[name])
        run.epoch = state["epoch"]
        if lacking == "random":
            lucid.manual_seed(5)
        else:
            lucid.set_rng_state(state["random"])
        try:
            assert run.train() != expected, lacking
        except ValueError as error:  # without its place, the loader makes more steps than there are
            assert lacking == "loader", error  # noqa: PT017
