"""Patient ids as keyed hashes: equal ids stay equal, and nobody without the key can go back."""

from __future__ import annotations

import hmac
import os
import re
import secrets
from pathlib import Path

from features.errors import Misconfigured, StorageFailed

PREFIX = "pt_"
"""Begins every hashed id, so that a file written by recoup is not hashed twice."""

KEY_BYTES = 32
_HASHED = re.compile(r"pt_[0-9a-f]{16}")


class Pseudonyms:
    """Gives patient ids their keyed hash: `pt_` and the first 16 hex digits of HMAC-SHA256.

    Parameters
    ----------
    key
        At least 32 secret bytes.

    Examples
    --------
    >>> names = Pseudonyms(b"k" * 32)
    >>> names.of("MRN-1"), names.of("MRN-1") == names.of("MRN-2")
    ('pt_d6f8dfa5e0c8e2d2', False)
    >>> names.of(names.of("MRN-1")) == names.of("MRN-1")
    True
    >>> Pseudonyms(b"short")
    Traceback (most recent call last):
    features.errors.Misconfigured: the key for patient ids has 5 bytes; at least 32 are needed
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise Misconfigured(f"the key for patient ids has {len(key)} bytes; at least {KEY_BYTES} are needed")
        self._key = key

    def of(self, patient_id: str) -> str:
        """Return the hash of an id; a hash is returned unchanged."""
        if is_hashed(patient_id):
            return patient_id
        return PREFIX + hmac.digest(self._key, patient_id.encode(), "sha256").hex()[:16]


def is_hashed(patient_id: str) -> bool:
    """Tell whether an id is already a keyed hash."""
    return _HASHED.fullmatch(patient_id) is not None


def load_or_create_key(path: Path) -> bytes:
    """Read the key, or make one where there is none: a file of 64 hex digits that only its owner may read.

    Two processes that start at once get the same key: the file is written aside and linked, and the first link wins.

    Raises
    ------
    Misconfigured
        When the file holds no key, or others may read it.
    StorageFailed
        When it can be neither read nor written.
    """
    try:
        if not path.exists():
            _create(path)
        mode = path.stat().st_mode & 0o777
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise StorageFailed(f"{path}: key for patient ids: {error.strerror or error}") from error
    if mode & 0o077:
        raise Misconfigured(f"{path}: others may read this key (mode {mode:o}); run `chmod 600 {path}`")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise Misconfigured(f"{path}: not a key: 64 hex digits are expected") from None
    if len(key) < KEY_BYTES:
        raise Misconfigured(f"{path}: the key has {len(key)} bytes; at least {KEY_BYTES} are needed")
    return key


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            return
    finally:
        os.unlink(aside)
