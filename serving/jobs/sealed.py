"""A file of a job with the hash that it was written with, so that whoever reads it sees that it is still the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from features.errors import StorageFailed


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file, and its SHA-256 when it was written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "input.csv"
    ...     written = path.write_bytes(b"carc,197")
    ...     sealed = Sealed.of(path)
    ...     sealed.open().read_bytes()
    ...     written = path.write_bytes(b"carc,45")
    ...     sealed.open()
    Traceback (most recent call last):
    features.errors.StorageFailed: input.csv is not as it was handed in; send it again
    """

    path: str
    hash: str

    @classmethod
    def of(cls, path: Path) -> Sealed:
        """Return a file that was just written."""
        return cls(str(path), sha256(path))

    def open(self) -> Path:
        """Return where the file is, which is as it was.

        Raises
        ------
        StorageFailed
            When it is not.
        """
        path = Path(self.path)
        if sha256(path) != self.hash:
            raise StorageFailed(f"{path.name} is not as it was handed in; send it again")
        return path


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
