"""Something done again and again beside everything else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def regularly(act: Callable[[], object], seconds: float, name: str) -> Iterator[None]:
    """Do something every so many seconds, in a thread of this name, until the block ends; what is under way then is waited for."""
    done = threading.Event()

    def repeat() -> None:
        while not done.wait(seconds):
            act()

    thread = threading.Thread(target=repeat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
