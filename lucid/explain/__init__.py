"""Pictures and words: what a layer does, shown.

>>> from lucid.explain import animate_conv1d
>>> animate_conv1d(length=8, kernel_size=3, stride=2).frames[0].products.tolist()
[[1.0, 12.0, -12.0]]
"""

from lucid.explain.animate import Animation, Frame, animate_conv1d

__all__ = ["Animation", "Frame", "animate_conv1d"]
