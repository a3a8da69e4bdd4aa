"""Keeps the C heap small: glibc's allocator told to give memory back. Does nothing under another C library.

Measured after indexing 16,715 commits, before other savings: 260 MB resident as glibc comes, about 200 MB so. Thresholds as
low as 64 and 128 KiB save 4 MB more and make every question pay for it: the encoder's buffers are mapped anew each time,
p95 13.7 ms for 5.3.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # mallopt(3)


def keep_small() -> None:
    """Use one arena, and thresholds that do not grow with what was once allocated. Before threads start."""
    with contextlib.suppress(AttributeError):
        for option, value in ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, 512 << 10), (_M_TRIM_THRESHOLD, 4 << 20)):
            ctypes.CDLL(None).mallopt(option, value)


def trim() -> None:
    """Give back what is free now: after loading a model, after indexing."""
    gc.collect()
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
