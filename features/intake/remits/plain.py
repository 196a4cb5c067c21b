"""Records as plain tuples and back: what a record is outside of this process, and what of it says something."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any

from features.intake.remits.records import Adjustment, Claim, ProviderAdjustment, ServiceLine, Transaction

Plain = tuple[Any, ...]
"""Text, integers, truth values, None, and tuples of these."""


class _Form:
    """How records of a kind become tuples: their fields in order, records within them likewise."""

    def __init__(self, kind: type, within: Mapping[str, _Form] | None = None, *, is_said: bool = False) -> None:
        names = [field.name for field in fields(kind) if field.compare or not is_said]
        self._kind, self._get = kind, attrgetter(*names)
        self._within = [(names.index(name), form) for name, form in (within or {}).items()]

    def plain(self, record: Any) -> Plain:
        cells: Plain = self._get(record)
        if not self._within:
            return cells
        found = list(cells)
        for place, form in self._within:
            found[place] = tuple(map(form.plain, found[place]))
        return tuple(found)

    def record(self, cells: Plain) -> Any:
        found = list(cells)
        for place, form in self._within:
            found[place] = tuple(map(form.record, found[place]))
        return self._kind(*found)


def _claims(*, is_said: bool) -> _Form:
    adjustments = {"adjustments": _Form(Adjustment, is_said=is_said)}
    return _Form(Claim, {**adjustments, "lines": _Form(ServiceLine, adjustments, is_said=is_said)}, is_said=is_said)


_CLAIM, _SAID, _SAID_PAIR = _claims(is_said=False), _claims(is_said=True), _Form(ProviderAdjustment, is_said=True)
_SHELL = _Form(Transaction)
_EMPTY = [place for place, field in enumerate(fields(Transaction)) if field.name in ("claims", "provider_adjustments")]


def plain_claim(claim: Claim) -> Plain:
    """Return a claim as a tuple."""
    return _CLAIM.plain(claim)


def claim_of(cells: Plain) -> Claim:
    """Return the claim that `plain_claim` made a tuple of."""
    found: Claim = _CLAIM.record(cells)
    return found


def plain_shell(remit: Transaction) -> Plain:
    """Return what a transaction says beside its claims and its provider's adjustments, as a tuple."""
    cells = list(_SHELL.plain(remit))
    for place in _EMPTY:
        cells[place] = ()
    return tuple(cells)


def shell_of(cells: Plain) -> Transaction:
    """Return the transaction, without claims, that `plain_shell` made a tuple of."""
    found: Transaction = _SHELL.record(cells)
    return found


def content(remit: Transaction) -> bytes:
    """Return a digest of what a transaction says of its claims, wherever they stand: equal for `netting.distinct_remits` if it is."""
    pairs = tuple(map(_SAID_PAIR.plain, remit.provider_adjustments))
    said = remit.payer_id, remit.trace, remit.remit_date, remit.payment, tuple(map(_SAID.plain, remit.claims)), pairs
    # Version 2 writes equal values as equal bytes; later ones write what is one object twice as a reference.
    return hashlib.sha256(marshal.dumps(said, 2)).digest()
