"""Layers and models.

    parameter.py   parameters, and the placeholders of lazy layers
    module.py      the base class;  state.py: loading a state dict;  calling.py: hooks
    lazy.py        how a lazy layer comes to life;  materialize.py: all of a model at once
    functional.py  what the layers compute;  init/: the first numbers;  utils/: tools
    container.py

    conv.py conv_transpose.py depthwise.py linear.py embedding.py
    norm.py instance_norm.py layer_norm.py group_norm.py dropout.py
    pooling.py padding.py upsampling.py flatten.py
    rectifier.py activation.py loss.py
    recurrence.py recurrent.py recurrent_lazy.py

Whoever wants to read it all begins with module.py and lazy.py.
"""

from typing import TYPE_CHECKING

from lucid.errors import no_such_name
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
from lucid.nn.conv_transpose import ConvTranspose1d, LazyConvTranspose1d
from lucid.nn.depthwise import DepthwiseConv1d, LazyDepthwiseConv1d
from lucid.nn.dropout import AlphaDropout, Dropout, Dropout1d
from lucid.nn.embedding import Embedding
from lucid.nn.flatten import Flatten, Identity, Unflatten
from lucid.nn.group_norm import GroupNorm, LazyGroupNorm
from lucid.nn.instance_norm import InstanceNorm1d, LazyInstanceNorm1d
from lucid.nn.layer_norm import LayerNorm, LazyLayerNorm, RMSNorm
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
    "ConvTranspose1d",
    "CrossEntropyLoss",
    "DepthwiseConv1d",
    "Dropout",
    "Dropout1d",
    "ELU",
    "Embedding",
    "Flatten",
    "GELU",
    "GLU",
    "GRU",
    "GroupNorm",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HuberLoss",
    "Identity",
    "InstanceNorm1d",
    "KLDivLoss",
    "L1Loss",
    "LPPool1d",
    "LSTM",
    "LayerNorm",
    "LazyBatchNorm1d",
    "LazyConv1d",
    "LazyConvTranspose1d",
    "LazyDepthwiseConv1d",
    "LazyGRU",
    "LazyGroupNorm",
    "LazyInstanceNorm1d",
    "LazyLSTM",
    "LazyLayerNorm",
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
    "RMSNorm",
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

if not TYPE_CHECKING:  # which would take any name to be there

    def __getattr__(name: str) -> object:
        raise no_such_name(__name__, name, __all__)
