"""A temporal convolutional network: S. Bai, J. Z. Kolter, V. Koltun, 2018, arXiv:1803.01271."""

import lucid.nn as nn
import lucid.nn.functional as F


class Block(nn.Module):
    """Two causal, dilated convolutions with dropout, and a residual connection."""

    def __init__(self, channels, dilation, kernel_size=3):
        super().__init__()
        self.reach = (kernel_size - 1) * dilation
        self.first = nn.LazyConv1d(channels, kernel_size, dilation=dilation)
        self.second = nn.LazyConv1d(channels, kernel_size, dilation=dilation)
        self.dropout = nn.Dropout(0.1)
        self.shortcut = nn.LazyConv1d(channels, 1)

    def forward(self, x):
        y = self.dropout(self.first(F.pad(x, (self.reach, 0))).relu())
        y = self.dropout(self.second(F.pad(y, (self.reach, 0))).relu())
        return (y + self.shortcut(x)).relu()


class TCN(nn.Module):
    """Blocks with dilations 1, 2, 4; what the last moment knows gives the scores."""

    def __init__(self, classes):
        super().__init__()
        self.blocks = nn.Sequential(Block(32, 1), Block(32, 2), Block(32, 4))
        self.scores = nn.LazyLinear(classes)

    def forward(self, x):
        return self.scores(self.blocks(x)[:, :, -1])
