"""A fully convolutional network: Z. Wang, W. Yan, T. Oates, 2017, arXiv:1611.06455."""

import lucid.nn as nn


class FCN(nn.Module):
    """Three convolutions, each with batch norm and ReLU; the mean over time; a score per class."""

    def __init__(self, classes):
        super().__init__()
        self.layers = nn.Sequential(
            nn.LazyConv1d(64, 8, padding="same"), nn.LazyBatchNorm1d(), nn.ReLU(),
            nn.LazyConv1d(128, 5, padding="same"), nn.LazyBatchNorm1d(), nn.ReLU(),
            nn.LazyConv1d(64, 3, padding="same"), nn.LazyBatchNorm1d(), nn.ReLU(),
        )  # fmt: skip
        self.scores = nn.LazyLinear(classes)

    def forward(self, x):
        return self.scores(self.layers(x).mean(2))
