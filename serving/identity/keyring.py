"""Secrets of this installation that stand outside the database: a copy of the database alone opens nothing."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from features.intake.pseudonyms import load_or_create_key

FOLDER = "keys"
PEPPER = "pepper.key"
TRAIL = "trail.key"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The secrets of one installation.

    Parameters
    ----------
    pepper
        Keys the digests of API keys, session cookies and one-time links.
    trail
        Keys the chain of the access log.
    """

    pepper: bytes = field(repr=False)
    trail: bytes = field(repr=False)

    @classmethod
    def open(cls, home: Path) -> Keyring:
        """Read the keys under `home`, or make them where there are none; only their owner may read them.

        Raises
        ------
        Misconfigured
            When others may read them.
        StorageFailed
            When they can be neither read nor written.
        """
        return cls(load_or_create_key(home / FOLDER / PEPPER), load_or_create_key(home / FOLDER / TRAIL))

    def digest(self, kind: str, secret: str) -> str:
        """Return what is stored of a secret that has 256 random bits: HMAC-SHA256 in hex; kinds do not pass for each other.

        >>> ring = Keyring(b"p" * 32, b"t" * 32)
        >>> len(ring.digest("key", "s")), ring.digest("key", "s") == ring.digest("session", "s"), ring
        (64, False, Keyring())
        """
        return hmac.digest(self.pepper, f"{kind}\0{secret}".encode("utf-8", "replace"), "sha256").hex()


def new_secret() -> str:
    """Return 256 fresh random bits as text."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """Return a fresh id of a row that holds a right; it tells nothing."""
    return secrets.token_hex(8)
