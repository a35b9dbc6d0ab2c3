"""WaveNet, as a classifier: A. van den Oord et al., 2016, arXiv:1609.03499."""

import lucid
import lucid.nn as nn
import lucid.nn.functional as F


class Layer(nn.Module):
    """tanh(f) * sigmoid(g) of a causal, dilated convolution; one part goes on, one to the exit."""

    def __init__(self, channels, dilation):
        super().__init__()
        self.dilation = dilation
        self.gated = nn.Conv1d(channels, 2 * channels, 2, dilation=dilation)
        self.onward = nn.Conv1d(channels, channels, 1)
        self.skip = nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        f, g = self.gated(F.pad(x, (self.dilation, 0))).chunk(2, 1)  # no output sees the future
        y = lucid.tanh(f) * lucid.sigmoid(g)
        return x + self.onward(y), self.skip(y)


class WaveNet(nn.Module):
    """Dilations 1, 2, 4, 8; the sum of all exits; the mean over time; the scores."""

    def __init__(self, classes, channels=32):
        super().__init__()
        self.first = nn.LazyConv1d(channels, 1)
        self.layers = nn.ModuleList([Layer(channels, 2**i) for i in range(4)])
        self.last = nn.Conv1d(channels, channels, 1)
        self.scores = nn.Linear(channels, classes)

    def forward(self, x):
        x, total = self.first(x), 0
        for layer in self.layers:
            x, skip = layer(x)
            total = total + skip
        return self.scores(self.last(total.relu()).relu().mean(2))
