"""Depthwise-separable convolutions, as in MobileNet: A. Howard et al., 2017, arXiv:1704.04861."""

import lucid.nn as nn


class Separable(nn.Module):
    """A convolution of each channel by itself, then one that mixes the channels."""

    def __init__(self, inputs, outputs, kernel_size=9):
        super().__init__()
        self.depthwise = nn.Conv1d(inputs, inputs, kernel_size, padding="same", groups=inputs)
        self.pointwise = nn.Conv1d(inputs, outputs, 1)
        self.norm = nn.BatchNorm1d(outputs)
        self.act = nn.SiLU()

    def forward(self, x):
        return self.act(self.norm(self.pointwise(self.depthwise(x))))


class SeparableNet(nn.Module):
    """A stem, two separable convolutions, the mean over time, the scores."""

    def __init__(self, classes):
        super().__init__()
        self.stem = nn.LazyConv1d(32, 3, padding="same")
        self.layers = nn.Sequential(Separable(32, 64), Separable(64, 64))
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.scores = nn.Linear(64, classes)

    def forward(self, x):
        return self.scores(self.pool(self.layers(self.stem(x))).flatten(1))
