"""The tour, ``python -m lucid``: what lucid is, in a few seconds.

Two examples as a reader would type them; a classifier without a single ``in_channels``, trained
on real speech; its weights saved, and loaded into a model that has never seen an input.
"""

from __future__ import annotations

import argparse
import doctest
import inspect
import os
import tempfile
import time

from tqdm import tqdm

import lucid
import lucid.nn as nn
import lucid.nn.functional as F
from lucid.data import DataLoader, TensorDataset, japanese_vowels
from lucid.optim import Adam

EPOCHS = 24


def make_model() -> nn.Sequential:
    """Three blocks of convolution, batch norm and ReLU; then the mean over time, and a score each.

    Every layer that could ask for a number of inputs is lazy: none is written down.
    """
    return nn.Sequential(
        nn.LazyConv1d(48, kernel_size=5, padding="same"),
        nn.LazyBatchNorm1d(),
        nn.ReLU(),
        nn.LazyConv1d(48, kernel_size=5, padding="same"),
        nn.LazyBatchNorm1d(),
        nn.ReLU(),
        nn.LazyConv1d(48, kernel_size=5, padding="same"),
        nn.LazyBatchNorm1d(),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.LazyLinear(9),
    )


def train(model: nn.Module, data: TensorDataset, progress: bool = True) -> None:
    """Adam on the cross entropy, its steps getting smaller towards the end."""
    optimizer = Adam(model.parameters(), lr=1e-3)
    batches = DataLoader(data, batch_size=32, shuffle=True)
    model.train()
    quiet = None if progress else True  # None: no bar where nobody watches, in a pipe or a file
    bar = tqdm(range(EPOCHS), desc="training", unit="epoch", disable=quiet)
    for epoch in bar:
        optimizer.param_groups[0]["lr"] = 2e-3 * (1 - epoch / EPOCHS)
        total = 0.0
        for x, _, speaker in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), speaker)
            loss.backward()
            optimizer.step()
            total += loss.item()
        bar.set_postfix(loss=f"{total / len(batches):.3f}")


@lucid.no_grad()
def accuracy(model: nn.Module, data: TensorDataset) -> float:
    """The part of the utterances whose speaker is recognized."""
    model.eval()
    x, _, speaker = data.tensors
    hits = model(x).argmax(1) == speaker
    return float(hits.float().mean())


def show_examples() -> None:
    """Print the examples of ``LazyConv1d``'s docstring as typed, with what they really print."""
    _, _, examples = inspect.cleandoc(nn.LazyConv1d.__doc__ or "").partition("Examples\n--------\n")
    names: dict[str, object] = {}
    for part in doctest.DocTestParser().parse(examples):
        if isinstance(part, doctest.Example):
            print(">>> " + part.source.rstrip("\n").replace("\n", "\n... "))
            exec(compile(part.source, "<example>", "single"), names)
        elif part.strip():
            print(f"\n# {part.strip()}")


def title(text: str) -> None:
    """Begin a part of the tour."""
    print(f"\n{text}\n{'-' * len(text)}")


def main(arguments: list[str] | None = None) -> None:
    """Run the tour."""
    parser = argparse.ArgumentParser(
        prog="python -m lucid",
        description="A tour of lucid: two examples, a classifier trained on real speech, its "
        "weights saved and loaded again. Takes a few seconds.",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of all random numbers (0)")
    seed = parser.parse_args(arguments).seed
    if seed < 0:
        parser.error(f"a seed is at least 0, got {seed}")
    lucid.manual_seed(seed)
    lucid.show_config()

    title("1. A convolution that finds out its own input channels")
    show_examples()

    title("2. Who is speaking?")
    train_data, test_data = japanese_vowels()
    print(
        f"Nine people say 'ae': {len(train_data)} utterances to learn from, {len(test_data)} to be "
        "tested on,\neach up to 29 frames of 12 numbers. The model, before it has seen any:\n"
    )
    model = make_model()
    print(model, "\n")
    start = time.perf_counter()
    train(model, train_data)
    seconds = time.perf_counter() - start
    before = accuracy(model, test_data)
    print(f"Test accuracy {before:.1%}, after {seconds:.1f} s of training.")
    print(f"The first layer now reads {model[0]}")

    title("3. The weights, saved and loaded into a model that has seen nothing")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "speaker.lucid")
        lucid.save(model.state_dict(), path)
        size = os.path.getsize(path)
        fresh = make_model()
        fresh.load_state_dict(lucid.load(path))
    after = accuracy(fresh, test_data)
    print(f"{size / 1000:.0f} kB, checksummed. Test accuracy of the fresh model {after:.1%}.")
    if after != before:
        raise SystemExit(f"the loaded model differs: {before:.4%} before, {after:.4%} after")

    title("What next")
    print(
        f"Read   {__file__}: this tour, a page of code\n"
        "       lucid/nn/lazy.py: how a lazy layer comes to life\n"
        "       lucid/_ext/README.md: the kernels, from NumPy to registers\n"
        "Try    python -m lucid --seed 1\n"
        "       the same model with kernel_size=9, dilation=4 or padding_mode='reflect'\n"
        "       help(lucid.nn.LazyConv1d)"
    )


if __name__ == "__main__":
    main()
