"""Layers and models.

    parameter.py   parameters, and the placeholders of lazy layers
    module.py      the base class;  state.py: loading a state dict
    lazy.py        how a lazy layer comes to life
    functional.py  what the layers compute;  init.py: the first numbers
    conv.py linear.py norm.py pooling.py padding.py upsampling.py activation.py loss.py container.py

Whoever wants to read it all begins with module.py and lazy.py.
"""

from lucid.nn import functional, init
from lucid.nn.activation import Dropout, Flatten, ReLU
from lucid.nn.container import ModuleDict, ModuleList, Sequential
from lucid.nn.conv import Conv1d, LazyConv1d
from lucid.nn.linear import LazyLinear, Linear
from lucid.nn.loss import CrossEntropyLoss, MSELoss
from lucid.nn.module import Module
from lucid.nn.norm import BatchNorm1d, LazyBatchNorm1d
from lucid.nn.padding import (
    CircularPad1d,
    ConstantPad1d,
    ReflectionPad1d,
    ReplicationPad1d,
    ZeroPad1d,
)
from lucid.nn.parameter import Parameter, UninitializedParameter
from lucid.nn.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveMaxPool1d,
    AvgPool1d,
    LPPool1d,
    MaxPool1d,
    MaxUnpool1d,
)
from lucid.nn.upsampling import Upsample

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveMaxPool1d",
    "AvgPool1d",
    "BatchNorm1d",
    "CircularPad1d",
    "ConstantPad1d",
    "Conv1d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "LPPool1d",
    "LazyBatchNorm1d",
    "LazyConv1d",
    "LazyLinear",
    "Linear",
    "MSELoss",
    "MaxPool1d",
    "MaxUnpool1d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "ReLU",
    "ReflectionPad1d",
    "ReplicationPad1d",
    "Sequential",
    "UninitializedParameter",
    "Upsample",
    "ZeroPad1d",
    "functional",
    "init",
]
