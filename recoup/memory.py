"""Memory that a large ledger left behind, given back to the system."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

import pyarrow as pa


def give_back() -> None:
    """Return to the system what was freed: after a table was read that is a third of what its rows take.

    Neither glibc nor Arrow returns freed memory by itself while a later block is in use, and both keep it for the next large request,
    which is mostly of another size. Elsewhere than on glibc only Arrow's is returned.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
