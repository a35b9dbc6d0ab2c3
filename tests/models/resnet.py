"""A residual network for time series: Z. Wang, W. Yan, T. Oates, 2017, arXiv:1611.06455."""

import lucid.nn as nn


class Block(nn.Module):
    """relu(three convolutions + shortcut)"""

    def __init__(self, channels):
        super().__init__()
        layers = []
        for kernel_size in (8, 5, 3):
            layers += [
                nn.LazyConv1d(channels, kernel_size, padding="same"),
                nn.LazyBatchNorm1d(),
                nn.ReLU(),
            ]
        self.main = nn.Sequential(*layers[:-1])
        self.shortcut = nn.Sequential(nn.LazyConv1d(channels, 1), nn.LazyBatchNorm1d())

    def forward(self, x):
        return (self.main(x) + self.shortcut(x)).relu()


class ResNet(nn.Module):
    """Two residual blocks, the mean over time, a score per class."""

    def __init__(self, classes):
        super().__init__()
        self.blocks = nn.Sequential(Block(32), Block(64))
        self.scores = nn.LazyLinear(classes)

    def forward(self, x):
        return self.scores(self.blocks(x).mean(2))
