"""Whether what somebody wants to change is still as they saw it, for records that carry no number of their own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from features.errors import CheckFailed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def version_of(record: DataclassInstance) -> str:
    """Return what tells a record from the same one with anything else in it.

    Examples
    --------
    >>> from serving.worklist.policy import Policy
    >>> version_of(Policy()) == version_of(Policy()), version_of(Policy()) == version_of(Policy(pin_days=8))
    (True, False)
    """
    return hashlib.sha256(json.dumps(asdict(record), sort_keys=True, default=str).encode()).hexdigest()[:16]


def check_seen(record: DataclassInstance, seen: str | None) -> None:
    """Return if a record is as it was seen; None does not ask.

    Raises
    ------
    CheckFailed
        When somebody changed it meanwhile.
    """
    if seen is not None and seen != version_of(record):
        raise CheckFailed("somebody changed it meanwhile; read it again, and change what is there now")
