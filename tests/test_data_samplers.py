"""Samplers: what an epoch is made of."""

import numpy as np
import pytest

import lucid
from lucid.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def generator(seed=0):
    return lucid.Generator().manual_seed(seed)


def test_sequential_and_batches():
    assert list(SequentialSampler("abcd")) == [0, 1, 2, 3]
    assert len(SequentialSampler("abcd")) == 4
    for drop, expected in ((False, [[0, 1, 2], [3, 4]]), (True, [[0, 1, 2]])):
        batches = BatchSampler(SequentialSampler(range(5)), 3, drop)
        assert list(batches) == expected
        assert len(batches) == len(expected)


def test_random_orders():
    everyone = list(range(9))
    one = RandomSampler(range(9), generator=generator())
    first, second = list(one), list(one)
    assert sorted(first) == sorted(second) == everyone
    assert first != second
    assert list(RandomSampler(range(9), generator=generator())) == first
    twice = list(RandomSampler(range(9), num_samples=20))
    assert sorted(twice[:9]) == sorted(twice[9:18]) == everyone
    assert len(set(twice[18:])) == 2
    drawn = list(RandomSampler(range(9), replacement=True, num_samples=1000))
    assert set(drawn) == set(everyone)
    counts = np.bincount(drawn)
    assert counts.min() > 1000 / 9 * 0.6
    assert len(list(RandomSampler(range(9), replacement=True))) == len(RandomSampler(range(9))) == 9
    for replacement in (False, True):
        assert list(RandomSampler([], replacement)) == []
    lucid.manual_seed(1)
    a = list(RandomSampler(range(50)))
    lucid.manual_seed(1)
    assert list(RandomSampler(range(50))) == a


def test_random_subset():
    indices = [5, 3, 9, 7, 8, 1]
    subset = SubsetRandomSampler(indices, generator())
    assert sorted(subset) == sorted(indices)
    assert len(subset) == 6
    assert list(SubsetRandomSampler(indices, generator())) != indices


def test_weights():
    weights = [0.0, 1.0, 3.0]
    drawn = list(WeightedRandomSampler(weights, 4000, generator=generator()))
    assert len(drawn) == 4000
    counts = np.bincount(drawn, minlength=3)
    assert counts[0] == 0
    assert counts[2] / counts[1] == pytest.approx(3, rel=0.15)
    without = WeightedRandomSampler(weights, 2, replacement=False)
    assert sorted(without) == [1, 2]
    assert len(without) == 2
    assert list(WeightedRandomSampler(lucid.tensor([0.0, 2.0]), 3)) == [1, 1, 1]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RandomSampler([1], replacement=1), TypeError, "replacement must be True or False"),
        (lambda: RandomSampler([1], num_samples=0), ValueError, "num_samples must be at least 1"),
        (lambda: WeightedRandomSampler([1], 1, replacement=None), TypeError, "replacement"),
        (lambda: WeightedRandomSampler([1], 0), ValueError, "num_samples must be at least 1"),
        (lambda: WeightedRandomSampler([[1]], 1), ValueError, r"one axis, got the shape \(1, 1\)"),
        (lambda: WeightedRandomSampler([-1, 2], 1), ValueError, r"got \[-1, 2\]"),
        (lambda: WeightedRandomSampler([0, 0], 1), ValueError, "not all 0"),
        (lambda: WeightedRandomSampler([np.nan], 1), ValueError, "finite"),
        (lambda: WeightedRandomSampler([1, 0], 2, False), ValueError, "got 1\n  try: replacement"),
        (lambda: BatchSampler([1], 0, False), ValueError, "batch_size must be at least 1"),
        (lambda: BatchSampler([1], 1, None), TypeError, "drop_last must be True or False"),
        (lambda: iter(Sampler()), NotImplementedError, "try: def __iter__"),
    ],
)
def test_refused_samplers(make, error, message):
    with pytest.raises(error, match=message):
        make()
