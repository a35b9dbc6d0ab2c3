"""conv1d: the forward, and the forward with the backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

import lucid
from benchmarks.agree import check
from benchmarks.shapes import Shape

__all__ = ["Conv", "set_threads"]

Call = Callable[[], Any]
Array = np.ndarray[Any, Any]


def set_threads(threads: int) -> None:
    """Let lucid and PyTorch use so many threads; ONNX Runtime is told with each session."""
    lucid.set_num_threads(threads)
    torch.set_num_threads(threads)


def onnx_session(shape: Shape, weight: Array, bias: Array, threads: int) -> Any:
    """A model of one Conv node, whose weights are constants that can be prepared beforehand."""
    kind = TensorProto.FLOAT
    node = helper.make_node(
        "Conv",
        ["x", "w", "b"],
        ["y"],
        kernel_shape=[shape.K],
        strides=[shape.stride],
        pads=[shape.padding, shape.padding],
        dilations=[shape.dilation],
        group=shape.groups,
    )
    graph = helper.make_graph(
        [node],
        shape.name,
        [helper.make_tensor_value_info("x", kind, [shape.N, shape.C_in, shape.L])],
        [helper.make_tensor_value_info("y", kind, [shape.N, shape.C_out, shape.L_out])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


class Conv:
    """One convolution with the same numbers in all contestants.

    Each framework gets arrays that it has allocated itself, with the alignment it likes.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        random = np.random.default_rng(0)

        def draw(*sizes: int) -> Array:
            return random.standard_normal(sizes).astype(shape.dtype)

        self.x = draw(shape.N, shape.C_in, shape.L)
        self.g = draw(shape.N, shape.C_out, shape.L_out)
        fan_in = shape.C_in // shape.groups * shape.K
        self.weight = draw(shape.C_out, shape.C_in // shape.groups, shape.K) / np.sqrt(
            fan_in, dtype=shape.dtype
        )
        self.bias = draw(shape.C_out)

        sizes = (shape.C_in, shape.C_out, shape.K)
        state = {"weight": self.weight, "bias": self.bias}
        self.ours: Any = lucid.nn.Conv1d(*sizes, **shape.options, dtype=getattr(lucid, shape.dtype))
        self.ours.load_state_dict(state)
        self.theirs: Any = torch.nn.Conv1d(
            *sizes, **shape.options, dtype=getattr(torch, shape.dtype)
        )
        self.theirs.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})

    def forward(self, threads: int, recording: bool = False) -> dict[str, Call]:
        """Calls of the layer: under ``no_grad``, or ``recording`` for a backward to come.

        ONNX Runtime only ever runs forward, and has no double-precision Conv.
        """
        x, layer = lucid.tensor(self.x), self.ours
        t, other = torch.from_numpy(self.x).clone(), self.theirs
        calls: dict[str, Call] = {}
        if recording:
            calls["lucid"] = lambda: layer(x)
            calls["torch"] = lambda: other(t)
        else:

            def ours() -> Any:
                with lucid.no_grad():
                    return layer(x)

            def theirs() -> Any:
                with torch.no_grad():
                    return other(t)

            calls["lucid"], calls["torch"] = ours, theirs
        if self.shape.dtype == "float32":
            run = onnx_session(self.shape, self.weight, self.bias, threads).run
            feed = {"x": self.x}
            calls["onnxruntime"] = lambda: run(None, feed)[0]
        results = {name: as_array(calls[name]()) for name in calls}
        check(f"{self.shape.name}, forward", results)
        return calls

    def backward(self) -> dict[str, Call]:
        """Forward, then the gradients of input, weight and bias."""
        x = lucid.tensor(self.x, requires_grad=True)
        t = torch.from_numpy(self.x).clone().requires_grad_()
        calls = {
            "lucid": forward_backward(self.ours, x, lucid.tensor(self.g)),
            "torch": forward_backward(self.theirs, t, torch.from_numpy(self.g).clone()),
        }
        for call in calls.values():
            call()
        pairs = {
            "input": (x, t),
            "weight": (self.ours.weight, self.theirs.weight),
            "bias": (self.ours.bias, self.theirs.bias),
        }
        for name, (mine, other) in pairs.items():
            check(
                f"{self.shape.name}, gradient of the {name}",
                {"torch": as_array(other.grad), "lucid": as_array(mine.grad)},
            )
        return calls


def forward_backward(layer: Any, x: Any, g: Any) -> Call:
    """One forward and backward, from no gradients to all of them."""
    weight, bias = layer.weight, layer.bias

    def call() -> None:
        x.grad = weight.grad = bias.grad = None
        layer(x).backward(g)

    return call


def as_array(result: Any) -> Array:
    """A tensor of either framework, or an array, as an array."""
    return result if isinstance(result, np.ndarray) else result.detach().numpy()
