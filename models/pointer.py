"""The pointer to the champion: one small file under RECOUP_HOME that says which bundle serves, and which served before."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from features.errors import BundleRefused, StorageFailed

FILE = "champion.json"


@dataclass(frozen=True, slots=True)
class Promotion:
    """One bundle that was made champion.

    Parameters
    ----------
    version
        Its version in the registry.
    bundle_hash
        The hash that its manifest states.
    path
        Its folder, relative to RECOUP_HOME, so that the home may be moved.
    """

    version: str
    bundle_hash: str
    path: str

    def folder(self, home: Path) -> Path:
        """Return where the bundle lies; BundleRefused when that is not inside the home."""
        folder = home / self.path
        if not folder.resolve().is_relative_to(home.resolve()):
            raise BundleRefused(f"{FILE} points outside of RECOUP_HOME; promote a model again")
        return folder


@dataclass(frozen=True, slots=True)
class Pointer:
    """The champion and those before it, the latest last.

    Examples
    --------
    >>> first, second = Promotion("1", "aa", "models/aa"), Promotion("2", "bb", "models/bb")
    >>> Pointer(first).promoted(second).rolled_back() == Pointer(first)
    True
    >>> Pointer(first).rolled_back() is None
    True
    """

    champion: Promotion
    history: tuple[Promotion, ...] = ()

    def promoted(self, promotion: Promotion) -> Pointer:
        """Return the pointer after this promotion; promoting the champion again changes nothing."""
        return self if promotion == self.champion else Pointer(promotion, (*self.history, self.champion))

    def rolled_back(self) -> Pointer | None:
        """Return the pointer to the one before; None if there was none."""
        return Pointer(self.history[-1], self.history[:-1]) if self.history else None


def read_pointer(home: Path) -> Pointer | None:
    """Return the pointer of this home; None if nothing was ever promoted.

    Raises
    ------
    BundleRefused
        When the file is there but is not a pointer.
    """
    try:
        given = json.loads((home / FILE).read_bytes())
        return Pointer(_promotion(given), tuple(_promotion(item) for item in given["history"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise BundleRefused(f"{home / FILE} is damaged; `recoup models promote VERSION` writes it anew") from error


def write_pointer(home: Path, pointer: Pointer) -> None:
    """Write the pointer beside its place and rename it, so that a reader sees the old one or the new one, never half of one."""
    home.mkdir(parents=True, exist_ok=True)
    content = {**asdict(pointer.champion), "history": [asdict(item) for item in pointer.history]}
    part = home / f".{FILE}.{os.getpid()}"
    try:
        with part.open("w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(home / FILE)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageFailed(f"{home / FILE} could not be written: {error.strerror}") from error


def _promotion(given: Mapping[str, object]) -> Promotion:
    version, bundle_hash, path = given["version"], given["bundle_hash"], given["path"]
    if not (isinstance(version, str) and isinstance(bundle_hash, str) and isinstance(path, str)):
        raise TypeError("a promotion is three texts")
    return Promotion(version, bundle_hash, path)
