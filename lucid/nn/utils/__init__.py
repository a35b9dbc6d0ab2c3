"""Helpers around layers.

rnn.py   sequences of different lengths
"""

from lucid.nn.utils import rnn

__all__ = ["rnn"]
