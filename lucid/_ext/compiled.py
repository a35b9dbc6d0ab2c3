"""The compiled kernels by the names that their NumPy twins have, gathered from their modules."""

from lucid._ext.activations import (
    activation_backward,
    activation_forward,
    leaky_relu,
    logit_loss_backward,
    logit_loss_forward,
    relu_backward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)
from lucid._ext.arithmetic import add, mul
from lucid._ext.checksum import checksum
from lucid._ext.conv1d import conv1d_forward, conv1d_input_grad
from lucid._ext.conv1d_weight import conv1d_weight_grad
from lucid._ext.heap import keep_freed_memory
from lucid._ext.layers import (
    batch_norm_backward,
    batch_norm_forward,
    channel_sum,
    max_pool_backward,
    max_pool_forward,
)
from lucid._ext.norms import group_norm_backward, group_norm_forward
from lucid._ext.optim import adam_step, sgd_step
from lucid._ext.recurrent import recurrent_backward, recurrent_forward, rows_products
from lucid._ext.simd import fma_limit, simd_level
from lucid._ext.threads import get_threads, has_openmp, have_been_used, set_threads

__all__ = [
    "activation_backward",
    "activation_forward",
    "adam_step",
    "add",
    "batch_norm_backward",
    "batch_norm_forward",
    "channel_sum",
    "checksum",
    "conv1d_forward",
    "conv1d_input_grad",
    "conv1d_weight_grad",
    "fma_limit",
    "get_threads",
    "group_norm_backward",
    "group_norm_forward",
    "has_openmp",
    "have_been_used",
    "keep_freed_memory",
    "leaky_relu",
    "logit_loss_backward",
    "logit_loss_forward",
    "max_pool_backward",
    "max_pool_forward",
    "mul",
    "recurrent_backward",
    "recurrent_forward",
    "relu_backward",
    "rows_products",
    "set_threads",
    "sgd_step",
    "sigmoid_backward",
    "sigmoid_forward",
    "simd_level",
    "tanh_backward",
    "tanh_forward",
]
