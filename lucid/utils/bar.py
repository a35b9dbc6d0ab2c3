"""A bar that shows how far a loop is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lucid.data import DataLoader

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["progress"]


def progress(iterable: Iterable[Any], desc: str | None = None, **options: Any) -> tqdm[Any]:
    """Iterate over anything, and show a bar meanwhile

    Of a DataLoader that resumes an epoch, the bar begins where the epoch goes on.

    Parameters
    ----------
    iterable : iterable
        What to iterate over.
    desc : str, optional
        What stands before the bar.
    **options
        Those of ``tqdm``: ``total`` for what has no length, ``unit``, ``leave=False`` to wipe the
        bar at the end, ``disable=True`` to show nothing.

    Returns
    -------
    tqdm
        To iterate over; ``set_postfix(loss=0.3)`` shows numbers behind the bar.

    Examples
    --------
    >>> from lucid.utils import progress
    >>> bar = progress(range(3), "training", disable=True)
    >>> for i in bar:
    ...     bar.set_postfix(loss=1 / (i + 1))
    """
    # Imported here, as it takes a tenth of ``import lucid``; and not tqdm.auto's, which calls
    # iter(iterable) twice, and a loader draws then.
    from tqdm import tqdm

    if isinstance(iterable, DataLoader):
        options.setdefault("initial", iterable.state_dict()["done"])
    return tqdm(iterable, desc, **options)
