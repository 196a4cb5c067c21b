"""Requests to the ledger to take a write-off back, because the payer has paid it after all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from features.errors import CheckFailed, NotPermitted, UsageError


class ReversalState(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    """A second person has to approve it."""
    APPROVED = "approved"
    """It goes out with the next file for the ledger."""
    REFUSED = "refused"
    EXPORTED = "exported"
    """It went out."""
    WITHDRAWN = "withdrawn"
    """What it was for was undone before it went out."""


REFUSALS = {
    "not_paid": "no payment of the payer is found",
    "wrong_amount": "the amount is not what came in",
    "wrong_posting": "it is of another write-off",
    "done_already": "the ledger has it already",
    "ledger_refused": "the ledger system does not take it",
    "other": "something else; say what",
}
"""Why a request is refused: fixed words, which the access log may hold."""

MOST_NOTE = 500
"""Characters of what is said beside the reason."""

STANDING = (ReversalState.WAITING, ReversalState.APPROVED, ReversalState.EXPORTED)
"""States in which a request counts."""


@dataclass(frozen=True, slots=True)
class Reversal:
    """One request: this much of this write-off, because of this effort.

    Parameters
    ----------
    reversal_id
        The effort it is for, and the number of the request among those of that effort.
    cents
        To be taken back from the write-off; negative where the payer took its money back and the write-off stands again.
    known_on
        The day the payer's decision became known.
    decided_by, decided_at
        Who approved or refused it; None where no approval was needed.
    refused_for, note
        Why it was refused (`REFUSALS`), and what was said beside; None where it was not, or before reasons were asked for.
    batch_id
        The file it went out with.
    """

    client_id: str
    reversal_id: str
    item_id: str | None
    writeoff_id: str
    cents: int
    known_on: date
    requested_by: str
    requested_at: datetime
    state: ReversalState = ReversalState.APPROVED
    decided_by: str | None = None
    decided_at: datetime | None = None
    batch_id: str | None = None
    refused_for: str | None = None
    note: str | None = None


def needs_second(asked: Mapping[str, int], *, before: Mapping[str, int], written_off: Mapping[str, int], limit: int) -> bool:
    """Tell whether a second person has to approve that write-offs are taken back.

    Parts of a sum are seen as the sum that they make, so that nobody comes past the limit by asking for a little at a time; and more than
    was written off is never taken back unseen.

    Parameters
    ----------
    asked, before
        Cents by write-off: of this request, and of those that were made of the same write-offs before and stand.
    written_off
        Cents; 0 or missing: not known.
    limit
        Cents above which somebody else approves.

    Examples
    --------
    >>> def needs(cents: int, **known: dict[str, int]) -> bool:
    ...     return needs_second({"W1": cents}, **({"before": {}, "written_off": {"W1": 20_000}} | known), limit=10_000)
    >>> needs(10_000), needs(10_001), needs(6_000, before={"W1": 6_000}), needs(9_000, written_off={"W1": 8_000}), needs(-10_001)
    (False, True, True, True, True)
    """
    told = {name: cents + before.get(name, 0) for name, cents in asked.items()}
    is_over = any(total > written_off[name] for name, total in told.items() if written_off.get(name))
    return is_over or sum(told.values()) > limit or abs(sum(asked.values())) > limit


def ledger_columns(reversals: Sequence[Reversal]) -> dict[str, list[Any]]:
    """Return the columns of a file of requests for the ledger; `amount` is in cents (`Kind.MONEY`)."""
    return {
        "reversal_id": [one.reversal_id for one in reversals],
        "writeoff_id": [one.writeoff_id for one in reversals],
        "amount": [one.cents for one in reversals],
        "known_on": [one.known_on.isoformat() for one in reversals],
        "requested_by": [one.requested_by for one in reversals],
        "approved_by": [one.decided_by for one in reversals],
        "batch_id": [one.batch_id for one in reversals],
    }


def approved(reversal: Reversal, *, by: str, at: datetime) -> Reversal:
    """Return a request that a second person let pass.

    Raises
    ------
    CheckFailed
        When it does not wait.
    NotPermitted
        When it is the one who asked.
    """
    if reversal.state is not ReversalState.WAITING:
        raise CheckFailed(f"this request is {reversal.state}, it does not wait for approval")
    _check_second(reversal, by)
    return replace(reversal, state=ReversalState.APPROVED, decided_by=by, decided_at=at)


def refused(reversal: Reversal, *, by: str, at: datetime, reason: str, note: str = "") -> Reversal:
    """Return a request that a second person refused, or that went out and that the ledger did not take.

    Parameters
    ----------
    reason
        One of `REFUSALS`.
    note
        What was said beside it, at most `MOST_NOTE` characters; needed where the reason is another one.

    Raises
    ------
    CheckFailed
        When it neither waits nor went out.
    NotPermitted
        When it waits, and it is the one who asked.
    UsageError
        When the reason is none, or another one that is not told.
    """
    if reversal.state not in (ReversalState.WAITING, ReversalState.EXPORTED):
        raise CheckFailed(f"this request is {reversal.state}: one is refused while it waits, or once it went out")
    if reversal.state is ReversalState.WAITING:
        _check_second(reversal, by)
    if reason not in REFUSALS:
        raise UsageError(f"the reason of a refusal is one of {', '.join(REFUSALS)}")
    if len(note) > MOST_NOTE or (reason == "other" and not note):
        raise UsageError(f"a refusal for another reason says which, in at most {MOST_NOTE} characters")
    return replace(reversal, state=ReversalState.REFUSED, decided_by=by, decided_at=at, refused_for=reason, note=note or None)


def _check_second(reversal: Reversal, by: str) -> None:
    if by == reversal.requested_by:
        raise NotPermitted("whoever asked for a reversal above the limit cannot approve it; somebody else has to")
