"""Six models for time series, each written once.

lucid's names are PyTorch's. So a model is a function of the framework, ``lib``, which is either
``lucid`` or ``torch``; its layers are then the same, in the same order, and a state dict of one
fits the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["MODELS", "Model"]


def tiny_cnn(lib: Any, in_channels: int, classes: int) -> Any:
    """Two small convolutions: here a step is all overhead."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv1d(in_channels, 8, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(16, classes),
    )


def fcn(lib: Any, in_channels: int, classes: int) -> Any:
    """The fully convolutional network of Z. Wang et al., 2017, arXiv:1611.06455."""
    nn = lib.nn
    layers = []
    for channels, kernel in ((128, 8), (256, 5), (128, 3)):
        layers += [
            nn.Conv1d(in_channels, channels, kernel, padding=kernel // 2),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
        ]
        in_channels = channels
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(in_channels, classes)
    )


def resnet(lib: Any, in_channels: int, classes: int) -> Any:
    """The residual network for time series of the same paper: three blocks of three."""
    nn = lib.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]  # nn is a value
        """relu(three convolutions + shortcut)"""

        def __init__(self, inputs: int, channels: int) -> None:
            super().__init__()
            layers, size = [], inputs
            for kernel in (8, 5, 3):
                # "same", as the sum below needs equal lengths and one kernel is even
                layers += [
                    nn.Conv1d(size, channels, kernel, padding="same"),
                    nn.BatchNorm1d(channels),
                    nn.ReLU(),
                ]
                size = channels
            self.main = nn.Sequential(*layers[:-1])
            self.shortcut = nn.Sequential(nn.Conv1d(inputs, channels, 1), nn.BatchNorm1d(channels))

        def forward(self, x: Any) -> Any:
            return (self.main(x) + self.shortcut(x)).relu()

    return nn.Sequential(
        Block(in_channels, 64),
        Block(64, 128),
        Block(128, 128),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(128, classes),
    )


def inception(lib: Any, in_channels: int, classes: int) -> Any:
    """Three blocks of InceptionTime, with their residual: H. Fawaz et al., arXiv:1909.04939."""
    nn = lib.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]  # nn is a value
        """Convolutions of several lengths side by side, and a pooled branch."""

        def __init__(self, inputs: int) -> None:
            super().__init__()
            # a single channel needs no bottleneck
            narrow = 32 if inputs > 1 else 1
            self.bottleneck = (
                nn.Conv1d(inputs, 32, 1, bias=False) if inputs > 1 else nn.Sequential()
            )
            self.branches = nn.ModuleList(
                [nn.Conv1d(narrow, 32, k, padding=k // 2, bias=False) for k in (39, 19, 9)]
            )
            self.pool = nn.MaxPool1d(3, stride=1, padding=1)
            self.pooled = nn.Conv1d(inputs, 32, 1, bias=False)
            self.norm = nn.BatchNorm1d(128)

        def forward(self, x: Any) -> Any:
            narrow = self.bottleneck(x)
            parts = [branch(narrow) for branch in self.branches]
            parts.append(self.pooled(self.pool(x)))
            return self.norm(lib.cat(parts, 1)).relu()

    class Net(nn.Module):  # type: ignore[misc, name-defined]  # nn is a value
        """Three blocks; what came in is added before the last ReLU."""

        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.Sequential(Block(in_channels), Block(128), Block(128))
            self.shortcut = nn.Sequential(
                nn.Conv1d(in_channels, 128, 1, bias=False), nn.BatchNorm1d(128)
            )
            self.scores = nn.Linear(128, classes)

        def forward(self, x: Any) -> Any:
            y = (self.blocks(x) + self.shortcut(x)).relu()
            return self.scores(y.mean(2))

    return Net()


def wavenet(lib: Any, in_channels: int, classes: int) -> Any:
    """Eight gated layers of WaveNet: A. van den Oord et al., 2016, arXiv:1609.03499."""
    nn = lib.nn
    C = 64

    class Layer(nn.Module):  # type: ignore[misc, name-defined]  # nn is a value
        """tanh(f) * sigmoid(g) of a causal convolution; one part goes on, one to the exit."""

        def __init__(self, dilation: int) -> None:
            super().__init__()
            self.gated = nn.Conv1d(C, 2 * C, 2, padding=dilation, dilation=dilation)
            self.onward = nn.Conv1d(C, C, 1)
            self.skip = nn.Conv1d(C, C, 1)

        def forward(self, x: Any) -> tuple[Any, Any]:
            # padded on both sides; without the surplus at the end no output sees the future
            y = self.gated(x)[:, :, : x.shape[2]]
            y = y[:, :C].tanh() * y[:, C:].sigmoid()
            return x + self.onward(y), self.skip(y)

    class Net(nn.Module):  # type: ignore[misc, name-defined]  # nn is a value
        """The layers, the sum of their exits, and a classifier."""

        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv1d(in_channels, C, 1)
            self.layers = nn.ModuleList([Layer(2**i) for i in range(8)])
            self.last = nn.Conv1d(C, C, 1)
            self.scores = nn.Linear(C, classes)

        def forward(self, x: Any) -> Any:
            x = self.first(x)
            total: Any = 0.0
            for layer in self.layers:
                x, skip = layer(x)
                total = total + skip
            return self.scores(self.last(total.relu()).relu().mean(2))

    return Net()


class Model(NamedTuple):
    """A model, and the input (N, C, L) it is trained on."""

    name: str
    build: Callable[[Any, int, int], Any]
    N: int
    C: int
    L: int
    classes: int = 10


MODELS = [
    Model("tiny CNN", tiny_cnn, 8, 1, 24),
    Model("FCN", fcn, 16, 1, 140),
    Model("ResNet", resnet, 16, 1, 140),
    Model("InceptionTime", inception, 16, 1, 140),
    Model("WaveNet", wavenet, 8, 1, 1024),
    Model("FCN, 12 channels", fcn, 32, 12, 1000),
]
