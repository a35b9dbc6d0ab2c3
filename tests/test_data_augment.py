"""Random changes of signals: what stays, what changes, and that seeds decide it."""

from functools import partial

import numpy as np
import pytest

import lucid
from lucid.data import augment

CHANGES = {
    "jitter": partial(augment.jitter, sigma=0.5),
    "scaling": partial(augment.scaling, sigma=0.5),
    "time_shift": partial(augment.time_shift, limit=3),
    "time_mask": partial(augment.time_mask, width=5),
    "crop": partial(augment.crop, length=7),
}


def signals(*shape, dtype=lucid.float32):
    return lucid.arange(1, 1 + int(np.prod(shape))).reshape(*shape).to(dtype)


def generator(seed=0):
    return lucid.Generator().manual_seed(seed)


@pytest.mark.parametrize("dtype", [lucid.float32, lucid.float64])
@pytest.mark.parametrize("shape", [(2, 12), (40, 2, 12), (0, 2, 12)])
@pytest.mark.parametrize("name", CHANGES)
def test_what_all_have_in_common(name, shape, dtype):
    change, x = CHANGES[name], signals(*shape, dtype=dtype).requires_grad_()
    before = x.tolist()
    y = change(x, generator=generator())
    assert y.shape == (*shape[:-1], 7 if name == "crop" else 12)
    assert y.dtype == dtype
    assert not y.requires_grad
    assert x.tolist() == before
    assert y.tolist() == change(x, generator=generator()).tolist()
    lucid.manual_seed(0)
    assert y.tolist() == change(x).tolist()
    change(x, generator=generator()).zero_()  # a copy, not a view
    assert x.tolist() == before
    if shape[0] == 40:
        step = float(x[1, 0, 0] - x[0, 0, 0]) if name != "scaling" else 0.0
        assert len({str((row.detach() - i * step).tolist()) for i, row in enumerate(y)}) > 3
    turned = lucid.from_numpy(np.asfortranarray(x.detach().numpy()))
    assert (
        change(turned, generator=generator()).tolist() == change(x, generator=generator()).tolist()
    )


def test_jitter_and_scaling_have_the_spread_they_say():
    x = lucid.ones(300, 4, 50, dtype=lucid.float64)
    noise = augment.jitter(x, 0.3).numpy() - 1
    assert noise.std() == pytest.approx(0.3, rel=0.02)
    assert abs(noise.mean()) < 0.01
    factors = augment.scaling(x, 0.3).numpy()
    assert (factors == factors[:, :, :1]).all()  # one for each channel of each signal
    assert factors[:, :, 0].std() == pytest.approx(0.3, rel=0.1)
    for same in (augment.jitter, augment.scaling):
        assert bool((same(x, 0.0) == x).all())


def test_time_shift_against_the_definition():
    x = signals(200, 2, 9)
    y = augment.time_shift(x, 3, generator()).numpy()
    seen = set()
    for a, b in zip(x.numpy(), y, strict=True):
        shifts = [s for s in range(-3, 4) if (b == shifted(a, s)).all()]
        assert len(shifts) == 1
        seen.update(shifts)
    assert seen == set(range(-3, 4))
    assert augment.time_shift(signals(1, 3), 50).shape == (1, 3)  # may leave nothing


def shifted(a, s):
    out = np.zeros_like(a)
    for t in range(a.shape[-1]):
        if 0 <= t - s < a.shape[-1]:
            out[:, t] = a[:, t - s]
    return out


def test_time_mask_against_the_definition():
    x = signals(300, 2, 9)
    y = augment.time_mask(x, 4, value=-1.0, generator=generator()).numpy()
    masked = y == -1
    assert (masked[:, 0] == masked[:, 1]).all()  # all channels alike
    assert (y == x.numpy())[~masked].all()
    widths = masked[:, 0].sum(1)
    assert set(widths) == set(range(5))
    assert (np.abs(np.diff(masked[:, 0].astype(int), axis=1)).sum(1) <= 2).all()  # one stretch
    assert masked[:, 0].any(0).all()  # it may be anywhere
    assert augment.time_mask(signals(1, 3), 3).shape == (1, 3)


def test_crop_against_the_definition():
    x = signals(200, 2, 9)
    y = augment.crop(x, 6, generator()).numpy()
    starts = set()
    for a, b in zip(x.numpy(), y, strict=True):
        start = int(b[0, 0] - a[0, 0])
        assert (b == a[:, start : start + 6]).all()
        starts.add(start)
    assert starts == {0, 1, 2, 3}
    assert augment.crop(x, 9).tolist() == x.tolist()


def test_mixup_against_the_definition():
    x, labels = lucid.randn(8, 2, 5, dtype=lucid.float64), lucid.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    y = lucid.eye(3)[labels]
    mixed_x, mixed_y = augment.mixup(x, y, 1.0, generator(3))
    shares = set()
    for n in range(8):
        found = [
            (m, f)
            for m in range(8)
            for f in [mixing(x.numpy()[n], x.numpy()[m], mixed_x.numpy()[n])]
            if f is not None
        ]
        assert found
        shares.update(round(f, 4) for m, f in found if f < 0.9999)
    assert len(shares) == 1  # one for the batch
    assert np.allclose(mixed_y.numpy().sum(1), 1)
    assert 0 < shares.pop() < 1
    assert (mixed_x.dtype, mixed_y.dtype) == (lucid.float64, lucid.float32)
    again = augment.mixup(x, y, 1.0, generator(3))
    assert [t.tolist() for t in again] == [mixed_x.tolist(), mixed_y.tolist()]


def mixing(a, b, mixed):
    """f with mixed = f * a + (1 - f) * b, or None."""
    if (a == b).all():
        return 1.0 if np.allclose(mixed, a) else None
    f = float(((mixed - b) / (a - b)).ravel()[0])
    return f if 0 <= f <= 1 and np.allclose(mixed, f * a + (1 - f) * b, rtol=1e-4) else None


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda: augment.jitter(np.ones((2, 3))), TypeError, "NumPy array"),
        (lambda: augment.jitter(lucid.ones(3)), lucid.ShapeError, r"\(C, L\) or \(N, C, L\)"),
        (lambda: augment.crop(lucid.ones(2, 3).long(), 1), TypeError, "try: x.float"),
        (lambda: augment.jitter(lucid.ones(2, 3), -1), ValueError, "sigma must be at least 0"),
        (lambda: augment.scaling(lucid.ones(2, 3), float("nan")), ValueError, "got nan"),
        (lambda: augment.time_shift(lucid.ones(2, 3), 1.5), TypeError, "limit must be an int"),
        (lambda: augment.time_mask(lucid.ones(2, 3), 4), ValueError, "the signal, 3, got 4"),
        (lambda: augment.crop(lucid.ones(2, 3), 4), ValueError, "the signal, 3, got 4"),
        (lambda: augment.crop(lucid.ones(2, 3), 0), ValueError, "length must be at least 1"),
        (lambda: augment.mixup(lucid.ones(2, 3), lucid.tensor([0, 1])), TypeError, "lucid.eye"),
        (lambda: augment.mixup(lucid.ones(2, 3), lucid.ones(3)), lucid.ShapeError, "as many"),
        (lambda: augment.mixup(lucid.ones(2), lucid.ones(2), 0), ValueError, "alpha must be above"),
        (
            lambda: augment.mixup(lucid.ones(2), lucid.ones(2), np.inf),
            ValueError,
            "finite, got inf",
        ),
        (lambda: augment.jitter(lucid.ones(2, 3), np.inf), ValueError, "finite, got inf"),
        (lambda: augment.scaling(lucid.ones(2, 3), np.nan), ValueError, "finite, got nan"),
    ],
)
def test_refused_changes(change, error, message):
    with pytest.raises(error, match=message):
        change()
