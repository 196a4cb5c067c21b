"""The days that time limits count from."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.filing import filing_day
from features.money import NULL
from features.rowwise import full, is_any, pick, where

CLOCKS = ("initial_denial_date", "remit_date", "service_date", "writeoff_date", "prior_decision_date", "demand_letter_date")
"""Days a payer rule may count from; the last two are no column of a write-off. A rule whose day a row has not is no rule for it."""

LEVELS = 5
"""Levels of appeal that are told apart; Medicare has five, the last in court."""

Whole: TypeAlias = NDArray[np.int64]


class Clocks(NamedTuple):
    """The days that limits count from, one for each row: the remittance (else the posting), the first substantive determination,
    the service, the decision of the level below, the demand letter, and the remittance alone (these four NULL where not known)."""

    remit: Whole
    determined: Whole
    service: Whole
    prior: Whole
    demand: Whole
    dated: Whole

    def or_remit(self, day: Whole) -> Whole:
        """Return a day, and that of the remittance where it is not known."""
        return where(day == NULL, self.remit, day)

    def take(self, rows: NDArray[np.intp]) -> Clocks:
        """Return those of some rows."""
        return Clocks(*(pick(clock, rows) for clock in self))


def clocks_of(batch: Batch, prior: Whole | None, demand: Whole | None) -> Clocks:
    """Return the days that limits count from."""
    columns = batch.columns
    dated = columns["remit_date"]
    remit = where(dated == NULL, columns["writeoff_date"], dated)
    prior, demand = (full(dated, NULL) if given is None else given for given in (prior, demand))
    return Clocks(remit, _determined(batch, remit), filing_day(batch), prior, demand, dated)


def _determined(batch: Batch, remit: Whole) -> Whole:
    """Return the day of the first substantive determination.

    A repeated denial of the same claim never restarts the clock; the decision on a corrected claim (frequency 7) does (DOMAIN 3).
    """
    first = batch.columns["initial_denial_date"]
    is_first = (first != NULL) & (first <= remit)
    if not is_any(is_first):
        return remit
    replaced = batch.vocabulary.find("claim_frequency", "7")
    if replaced >= 0:
        is_first &= batch.columns["claim_frequency"] != replaced
    return where(is_first, first, remit)
