"""Data sets, the loader that makes batches of them, and the data that come with lucid.

    dataset.py  what a data set is, and parts of one
    loader.py   from samples to batches
    vowels.py   the bundled speech data

README.md says where those data come from, and under which licence.
"""

from lucid.data.dataset import Dataset, Subset, TensorDataset, random_split
from lucid.data.loader import DataLoader, default_collate
from lucid.data.vowels import japanese_vowels

__all__ = [
    "DataLoader",
    "Dataset",
    "Subset",
    "TensorDataset",
    "default_collate",
    "japanese_vowels",
    "random_split",
]
