"""An LSTM over a convolutional stem; after LSTM-FCN, F. Karim et al., 2018, arXiv:1709.05206."""

import lucid.nn as nn


class ConvLSTM(nn.Module):
    """Convolutions find features, an LSTM in both directions reads them; its mean, the scores."""

    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Sequential(nn.LazyConv1d(32, 5, padding=2), nn.LazyBatchNorm1d(), nn.ReLU())
        self.lstm = nn.LSTM(32, 32, batch_first=True, bidirectional=True)
        self.scores = nn.Linear(64, classes)

    def forward(self, x):
        states, _ = self.lstm(self.stem(x).transpose(1, 2))
        return self.scores(states.mean(1))
