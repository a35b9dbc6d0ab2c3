"""A U-Net in one dimension: O. Ronneberger, P. Fischer, T. Brox, 2015, arXiv:1505.04597."""

import lucid
import lucid.nn as nn
import lucid.nn.functional as F


def double(channels):
    """Two convolutions, each with a norm and a ReLU."""
    return nn.Sequential(
        nn.LazyConv1d(channels, 3, padding=1), nn.GroupNorm(4, channels), nn.ReLU(),
        nn.LazyConv1d(channels, 3, padding=1), nn.GroupNorm(4, channels), nn.ReLU(),
    )  # fmt: skip


class UNet(nn.Module):
    """Down and up twice, with what was there on the way down; scores for every moment.

    Of a whole signal: their mean.
    """

    def __init__(self, classes):
        super().__init__()
        self.down = nn.ModuleList([double(16), double(32)])
        self.pool = nn.MaxPool1d(2)
        self.bottom = double(64)
        self.widen = nn.ModuleList([nn.LazyConvTranspose1d(c, 2, stride=2) for c in (32, 16)])
        self.up = nn.ModuleList([double(32), double(16)])
        self.scores = nn.Conv1d(16, classes, 1)

    def every_moment(self, x):
        kept = []
        for layer in self.down:
            x = layer(x)
            kept.append(x)
            x = self.pool(x)
        x = self.bottom(x)
        for widen, layer in zip(self.widen, self.up, strict=True):
            beside, x = kept.pop(), widen(x)
            x = F.pad(x, (0, beside.shape[2] - x.shape[2]))  # an odd length lost one
            x = layer(lucid.cat([beside, x], 1))
        return self.scores(x)

    def forward(self, x):
        return self.every_moment(x).mean(2)
