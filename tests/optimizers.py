"""All optimizers with some options, and what they are tried on."""

import lucid
from lucid.optim import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    NAdam,
    RAdam,
    RMSprop,
)

ALL = [
    (SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "weight_decay": 0.3, "maximize": True}),
    (SGD, {"lr": 0.1, "momentum": 0.9}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.4, "weight_decay": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.5, "nesterov": True, "maximize": True}),
    (Adam, {}),
    (Adam, {"lr": 0.1, "betas": (0.5, 0.8), "eps": 1e-3, "weight_decay": 0.2}),
    (Adam, {"lr": 0.1, "betas": (0.0, 0.3), "amsgrad": True}),
    (Adam, {"lr": 0.1, "maximize": True, "amsgrad": True, "weight_decay": 0.1}),
    (AdamW, {}),
    (AdamW, {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.5, "amsgrad": True}),
    (AdamW, {"lr": 0.1, "weight_decay": 0.5, "maximize": True}),
    (Adam, {"lr": 0.1, "weight_decay": 0.5, "decoupled_weight_decay": True}),
    (NAdam, {}),
    (NAdam, {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.2, "momentum_decay": 0.1}),
    (NAdam, {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "maximize": True}),
    (RAdam, {}),
    (RAdam, {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.2, "eps": 1e-3}),
    (RAdam, {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "maximize": True}),
    (RMSprop, {}),
    (RMSprop, {"lr": 0.1, "alpha": 0.8, "weight_decay": 0.2, "eps": 1e-3, "maximize": True}),
    (RMSprop, {"alpha": 0.5, "momentum": 0.9}),
    (RMSprop, {"alpha": 0.5, "momentum": 0.9, "centered": True, "eps": 1e-2}),
    (Adagrad, {}),
    (Adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.2, "maximize": True}),
    (Adagrad, {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3}),
    (Adadelta, {}),
    (Adadelta, {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.2, "maximize": True}),
]


def leaf(*numbers, dtype=lucid.float32):
    return lucid.tensor(list(numbers), dtype=dtype, requires_grad=True)


def give(p, *numbers):
    """Set a gradient."""
    p.grad = lucid.tensor(list(numbers), dtype=p.dtype)


def array(t):
    return t.detach().numpy().copy()


def trained(kind, options, steps=3):
    p, q, unused = leaf(1.0, 2.0), leaf(3.0), leaf(4.0)
    optimizer = kind([{"params": [p, unused]}, {"params": [q], "lr": 0.05}], **options)
    for i in range(steps):
        give(p, 1.0 + i, -1.0)
        give(q, 0.5)
        optimizer.step()
    return [p, q], optimizer
