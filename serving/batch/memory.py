"""Memory of a process that looks at one block of rows after the other."""

from __future__ import annotations

import ctypes
from contextlib import suppress

import pyarrow as pa

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MOST_MMAP = 1 << 25
"""The largest threshold that glibc takes."""


def keep_memory() -> None:
    """Keep what is freed for the next block: to hand it back and have it cleared anew each time took a tenth of all CPU time.

    Numpy and Arrow take it from the same place; elsewhere than on glibc only that is so.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
        mallopt(_MMAP_THRESHOLD, _MOST_MMAP)
