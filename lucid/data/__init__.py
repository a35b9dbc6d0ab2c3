"""Data sets, the loader that makes batches of them, and the data that come with lucid.

    dataset.py   what a data set is, parts of one, and several as one
    samplers.py  in which order the samples come, and in which batches
    collate.py   from samples to one batch
    loader.py    an epoch of batches; workers.py: made ahead of time by other processes;
                 worker_info.py: which of them this one is
    augment.py   random changes of signals
    vowels.py    the bundled speech data

README.md says where those data come from, and under which licence.
"""

from lucid.data import augment
from lucid.data.collate import default_collate
from lucid.data.dataset import ConcatDataset, Dataset, Subset, TensorDataset, random_split
from lucid.data.loader import DataLoader
from lucid.data.samplers import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from lucid.data.vowels import japanese_vowels
from lucid.data.worker_info import WorkerInfo, get_worker_info

__all__ = [
    "BatchSampler",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "WorkerInfo",
    "augment",
    "default_collate",
    "get_worker_info",
    "japanese_vowels",
    "random_split",
]
