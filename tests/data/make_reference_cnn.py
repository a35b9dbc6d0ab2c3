"""Makes ``reference_cnn.npz``: a state dict of PyTorch 2.13 with an input and its output.

Run with PyTorch installed; the tests only read the file.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv1d(3, 8, 5, padding=2, padding_mode="reflect"),
    nn.BatchNorm1d(8),
    nn.ReLU(),
    nn.Conv1d(8, 4, 3, stride=2, groups=2, bias=False),
    nn.Flatten(),
    nn.Linear(4 * 9, 5),
)
for _ in range(3):  # running statistics that are not those of the beginning
    model(torch.randn(16, 3, 20) * 2 + 1)
model.eval()
x = torch.randn(2, 3, 20)
state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
np.savez(Path(__file__).with_name("reference_cnn.npz"), input=x, output=model(x).detach(), **state)
