"""Where the public 835 files lie; they are read by path and never copied into the project."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[4]


def public_remits() -> Path:
    """Return the folder; fails the test with a way out where there is none, since a count that is not checked is not right."""
    root = Path(os.environ.get("RECOUP_PUBLIC_DATA", PROJECT / ".." / "shared"))
    folder = root / "remits"
    if not (folder / "MANIFEST.csv").is_file():
        raise AssertionError(f"no public 835 files at {folder}: set RECOUP_PUBLIC_DATA to the folder that holds remits/MANIFEST.csv")
    return folder
