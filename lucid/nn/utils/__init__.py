"""Tools for models: gradients that are too long, weights as one vector, weights in two parts.

clip_grad.py                       limits for gradients
convert_parameters.py              all parameters as one vector, and back
weight_norm.py parametrizations.py a weight as a length and a direction
fusion.py                          batch norm, folded into the layer before it
rnn.py                             sequences of different lengths
"""

from lucid.nn.utils import parametrizations, rnn
from lucid.nn.utils.clip_grad import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from lucid.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
from lucid.nn.utils.fusion import (
    fuse_conv_bn_eval,
    fuse_conv_bn_weights,
    fuse_linear_bn_eval,
    fuse_linear_bn_weights,
)
from lucid.nn.utils.weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "remove_weight_norm",
    "rnn",
    "vector_to_parameters",
    "weight_norm",
]
