"""Sealing of papers at rest: a copy of the database alone shows none of them."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from features.errors import BadData
from features.intake.pseudonyms import load_or_create_key

PLACE = Path("keys") / "papers.key"
"""Below RECOUP_HOME, apart from the database; made when the first paper is sealed."""

NONCE_BYTES = 12


class Seal:
    """AES-256-GCM under a key of this installation.

    Parameters
    ----------
    path
        The file of the key; only its owner may read it.

    Examples
    --------
    >>> import tempfile
    >>> seal = Seal(Path(tempfile.mkdtemp()) / "papers.key")
    >>> sealed = seal.close(b"a page", "north/7")
    >>> seal.open(sealed, "north/7"), b"page" in sealed
    (b'a page', False)
    >>> seal.open(sealed, "south/7")
    Traceback (most recent call last):
    features.errors.BadData: a paper cannot be unsealed: it was altered, or its key was lost
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def close(self, content: bytes, name: str) -> bytes:
        """Return the content sealed under a name, which it can only be opened by."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, content, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes:
        """Return the content; BadData when it was altered, is another's, or the key is another one."""
        try:
            return self._cipher().decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError) as error:
            raise BadData("a paper cannot be unsealed: it was altered, or its key was lost") from error

    def _cipher(self) -> AESGCM:
        return AESGCM(load_or_create_key(self._path))
