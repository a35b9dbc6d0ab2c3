"""Layers and models.

    parameter.py   parameters, and the placeholders of lazy layers
    module.py      the base class;  state.py: loading a state dict
    lazy.py        how a lazy layer comes to life
    functional.py  what the layers compute;  init.py: the first numbers
    conv.py linear.py norm.py pooling.py embedding.py container.py
    rectifier.py activation.py dropout.py flatten.py loss.py

Whoever wants to read it all begins with module.py and lazy.py.
"""

from lucid.nn import functional, init, utils
from lucid.nn.activation import (
    GELU,
    GLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from lucid.nn.container import ModuleDict, ModuleList, Sequential
from lucid.nn.conv import Conv1d, LazyConv1d
from lucid.nn.dropout import AlphaDropout, Dropout, Dropout1d
from lucid.nn.embedding import Embedding
from lucid.nn.flatten import Flatten, Identity, Unflatten
from lucid.nn.linear import LazyLinear, Linear
from lucid.nn.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
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
from lucid.nn.rectifier import (
    CELU,
    ELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    PReLU,
    ReLU,
    ReLU6,
)
from lucid.nn.recurrent import GRU, LSTM, RNN
from lucid.nn.recurrent_lazy import LazyGRU, LazyLSTM, LazyRNN
from lucid.nn.upsampling import Upsample

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveMaxPool1d",
    "AlphaDropout",
    "AvgPool1d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "CELU",
    "CircularPad1d",
    "ConstantPad1d",
    "Conv1d",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout1d",
    "ELU",
    "Embedding",
    "Flatten",
    "GELU",
    "GLU",
    "GRU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LPPool1d",
    "LSTM",
    "LazyBatchNorm1d",
    "LazyConv1d",
    "LazyGRU",
    "LazyLSTM",
    "LazyLinear",
    "LazyRNN",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxUnpool1d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "PReLU",
    "Parameter",
    "RNN",
    "ReLU",
    "ReLU6",
    "ReflectionPad1d",
    "ReplicationPad1d",
    "SELU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
    "Unflatten",
    "UninitializedParameter",
    "Upsample",
    "ZeroPad1d",
    "functional",
    "init",
    "utils",
]
