"""Layers and models.

    parameter.py   parameters, and the placeholders of lazy layers
    module.py      the base class;  state.py: loading a state dict
    lazy.py        how a lazy layer comes to life
    functional.py  what the layers compute;  init.py: the first numbers
    conv.py linear.py norm.py pooling.py activation.py loss.py container.py
    recurrence.py recurrent.py recurrent_lazy.py
    utils/         helpers around layers

Whoever wants to read it all begins with module.py and lazy.py.
"""

from lucid.nn import functional, init, utils
from lucid.nn.activation import Dropout, Flatten, ReLU
from lucid.nn.container import ModuleDict, ModuleList, Sequential
from lucid.nn.conv import Conv1d, LazyConv1d
from lucid.nn.linear import LazyLinear, Linear
from lucid.nn.loss import CrossEntropyLoss, MSELoss
from lucid.nn.module import Module
from lucid.nn.norm import BatchNorm1d, LazyBatchNorm1d
from lucid.nn.parameter import Parameter, UninitializedParameter
from lucid.nn.pooling import AdaptiveAvgPool1d, MaxPool1d
from lucid.nn.recurrent import GRU, LSTM, RNN
from lucid.nn.recurrent_lazy import LazyGRU, LazyLSTM, LazyRNN

__all__ = [
    "AdaptiveAvgPool1d",
    "BatchNorm1d",
    "Conv1d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "GRU",
    "LSTM",
    "LazyBatchNorm1d",
    "LazyConv1d",
    "LazyGRU",
    "LazyLSTM",
    "LazyLinear",
    "LazyRNN",
    "Linear",
    "MSELoss",
    "MaxPool1d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "RNN",
    "ReLU",
    "Sequential",
    "UninitializedParameter",
    "functional",
    "init",
    "utils",
]
