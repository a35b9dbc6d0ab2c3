"""InceptionTime: H. Ismail Fawaz et al., 2019, arXiv:1909.04939."""

import lucid
import lucid.nn as nn


class Inception(nn.Module):
    """Convolutions of three lengths side by side, and one of what was pooled."""

    def __init__(self, channels=16):
        super().__init__()
        self.bottleneck = nn.LazyConv1d(channels, 1, bias=False)
        self.branches = nn.ModuleList(
            [nn.Conv1d(channels, channels, k, padding=k // 2, bias=False) for k in (19, 9, 5)]
        )
        self.pool = nn.MaxPool1d(3, stride=1, padding=1)
        self.pooled = nn.LazyConv1d(channels, 1, bias=False)
        self.norm = nn.LazyBatchNorm1d()

    def forward(self, x):
        narrow = self.bottleneck(x)
        parts = [branch(narrow) for branch in self.branches] + [self.pooled(self.pool(x))]
        return self.norm(lucid.cat(parts, 1)).relu()


class InceptionTime(nn.Module):
    """Three inception modules with a residual connection, the mean over time, the scores."""

    def __init__(self, classes):
        super().__init__()
        self.modules_ = nn.Sequential(Inception(), Inception(), Inception())
        self.shortcut = nn.Sequential(nn.LazyConv1d(64, 1, bias=False), nn.LazyBatchNorm1d())
        self.scores = nn.LazyLinear(classes)

    def forward(self, x):
        y = (self.modules_(x) + self.shortcut(x)).relu()
        return self.scores(y.mean(2))
