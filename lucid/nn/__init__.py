"""Layers and models.

    parameter.py   parameters, and the placeholders of lazy layers
    module.py      the base class;  state.py: loading a state dict;  calling.py: hooks
    lazy.py        how a lazy layer comes to life;  materialize.py: all of a model at once
    functional.py  what the layers compute;  init.py: the first numbers
    conv.py linear.py norm.py pooling.py activation.py loss.py container.py
    conv_transpose.py depthwise.py instance_norm.py layer_norm.py group_norm.py

Whoever wants to read it all begins with module.py and lazy.py.
"""

from lucid.nn import functional, init
from lucid.nn.activation import Dropout, Flatten, ReLU
from lucid.nn.container import ModuleDict, ModuleList, Sequential
from lucid.nn.conv import Conv1d, LazyConv1d
from lucid.nn.conv_transpose import ConvTranspose1d, LazyConvTranspose1d
from lucid.nn.depthwise import DepthwiseConv1d, LazyDepthwiseConv1d
from lucid.nn.group_norm import GroupNorm, LazyGroupNorm
from lucid.nn.instance_norm import InstanceNorm1d, LazyInstanceNorm1d
from lucid.nn.layer_norm import LayerNorm, LazyLayerNorm, RMSNorm
from lucid.nn.linear import LazyLinear, Linear
from lucid.nn.loss import CrossEntropyLoss, MSELoss
from lucid.nn.module import Module
from lucid.nn.norm import BatchNorm1d, LazyBatchNorm1d
from lucid.nn.parameter import Parameter, UninitializedParameter
from lucid.nn.pooling import AdaptiveAvgPool1d, MaxPool1d

__all__ = [
    "AdaptiveAvgPool1d",
    "BatchNorm1d",
    "Conv1d",
    "ConvTranspose1d",
    "CrossEntropyLoss",
    "DepthwiseConv1d",
    "Dropout",
    "Flatten",
    "GroupNorm",
    "InstanceNorm1d",
    "LayerNorm",
    "LazyBatchNorm1d",
    "LazyConv1d",
    "LazyConvTranspose1d",
    "LazyDepthwiseConv1d",
    "LazyGroupNorm",
    "LazyInstanceNorm1d",
    "LazyLayerNorm",
    "LazyLinear",
    "Linear",
    "MSELoss",
    "MaxPool1d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "RMSNorm",
    "ReLU",
    "Sequential",
    "UninitializedParameter",
    "functional",
    "init",
]
