"""C sources beside the Python that uses them, compiled into a private folder where there is a compiler."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import secrets
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

from features.errors import BundleRefused

FLAGS = ("-O3", "-march=native", "-fno-strict-aliasing", "-ffp-contract=off", "-shared", "-fPIC")
"""No two operations on floats become one: sums have the bits that NumPy's and LightGBM's have."""

_BEFORE = Path(__file__).with_name("vectors.h")


@cache
def compiled(source: Path, folder: Path, flags: tuple[str, ...] = ()) -> ctypes.CDLL | None:
    """Return a compiled source, made where it is not there yet; None without a compiler that can.

    Parameters
    ----------
    source
        A C file without dependencies but the standard and the mathematical library, and `vectors.h`, which is read before it.
    folder
        Of `private_folder`.
    flags
        Beside `FLAGS`.
    """
    asked = (*FLAGS, *flags)
    told = "\n".join([_BEFORE.read_text(), source.read_text(), *asked, platform.platform(), _processor()])
    path = folder / f"{source.stem}-{hashlib.sha256(told.encode()).hexdigest()[:32]}.so"
    with suppress(OSError, subprocess.SubprocessError):
        if not path.exists():
            _compile(source, asked, path)
    # Where we failed, somebody else may have made it meanwhile.
    with suppress(OSError):
        return ctypes.CDLL(str(path))
    return None


def _compile(source: Path, asked: tuple[str, ...], path: Path) -> None:
    # Not the process id: containers that share a disk often have the same.
    aside = path.with_suffix(f".{secrets.token_hex(8)}")
    try:
        subprocess.run(["cc", *asked, "-include", str(_BEFORE), str(source), "-lm", "-o", str(aside)], check=True, capture_output=True)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def private_folder(path: Path) -> Path:
    """Make a folder that is ours alone, or check that it is.

    Raises
    ------
    BundleRefused
        When it belongs to somebody else or others may enter it.
    """
    path.mkdir(parents=True, mode=0o700, exist_ok=True)
    found = path.stat()
    if hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & 0o077):
        raise BundleRefused(f"{path}: code is only run from a folder that is ours alone; take others' rights away (chmod 700)")
    return path


def _processor() -> str:
    """Return what tells one kind of processor from another: code for one may mean nothing to the other."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
