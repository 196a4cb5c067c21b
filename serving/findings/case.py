"""The case: everything that a rule of the audit may look at, read and worked out once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.codes.tables import FAMILIES, Codes
from features.feature import Floats
from features.money import NULL
from features.policies import Policies
from features.repeats import repeated_rows
from features.reversals import Undone, undo
from features.tables import CATEGORIES, REMEDIES, Array, Columns
from features.view import Practice, View
from serving.findings.habits import Habits, learn
from serving.findings.remits import Remits
from serving.findings.told import Told

T = TypeVar("T")
Flags = NDArray[np.bool_]
HABITS = "habits of payers"
_FAMILY = np.array(FAMILIES, dtype=object)

BENIGN = ("contractual", "patient_responsibility", "informational", "withhold", "pend", "unknown")
"""Families of reason codes by which a payer refuses nothing."""


@dataclass(frozen=True)
class Case:
    """A practice on the morning of a day.

    Parameters
    ----------
    ledger
        Write-offs; blanks that a remittance could fill are filled.
    view, worth
        What was known of each row, and what it is expected to bring (`Scorer.weigh`); in the order of the ledger.
    scores_by
        The version of the model that scored; `prior` for the expert's rates.
    practice
        Codes, contracts, rules and policies.
    as_of
        The morning, as days since 1970-01-01.
    remits, told
        The remittances in hand and what they say of each row; None without 835 files, `told` also without a ledger of the
        practice's own.
    efforts
        What was worked, and what came of it; None where nothing is known.
    is_ledger
        The rows were posted by the practice; False: they are what 835 files alone say.
    expected_then
        Dollars expected of each effort on the day it began.
    """

    ledger: Batch
    view: View
    worth: Columns
    scores_by: str
    practice: Practice
    as_of: int
    remits: Remits | None = None
    told: Told | None = None
    efforts: Batch | None = None
    is_ledger: bool = True
    expected_then: Floats = field(default_factory=lambda: np.empty(0))

    def __len__(self) -> int:
        return len(self.ledger)

    @property
    def columns(self) -> Columns:
        """Return the columns of the ledger."""
        return self.ledger.columns

    @property
    def codes(self) -> Codes:
        """Return the code tables."""
        return self.practice.codes

    def has(self, need: str) -> bool:
        """Return whether the case has what a rule needs; see `rule.NEEDS`."""
        if need == "ledger":
            return self.is_ledger
        if need == "remits":
            return self.remits is not None
        if need == "policies":
            return self.practice.policies is not None and len(self.practice.policies) > 0
        if need == "expected":
            return self.practice.contracts is not None or bool((self.columns["expected_allowed_amount"] != NULL).any())
        values = self.columns[need]
        return bool((values != None).any() if values.dtype == object else (values >= 0).any())  # noqa: E711

    def words(self, name: str) -> list[str | None]:
        """Return a text column as words."""
        return self.once(name, lambda: self.ledger.words(name))

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what `make` gives, made when it is first asked for and kept until `forget`."""
        if name not in self._made:
            self._made[name] = make()
        found: T = self._made[name]
        return found

    def forget(self, *, but: str = "") -> None:
        """Let go of what rules looked up, `but` one: of a large ledger it is a list of a million words for each column that they read."""
        for name in set(self._made) - {but}:
            del self._made[name]

    @cached_property
    def _made(self) -> dict[str, Any]:
        return {}

    @cached_property
    def claim(self) -> NDArray[np.int64]:
        """Return for each row the first row of its claim; -1 without a claim."""
        return self.ledger.claims

    @cached_property
    def effort_rows(self) -> NDArray[np.int64]:
        """Return the row of the ledger that each effort is on; -1 where the ledger has none."""
        if self.efforts is None:
            return np.empty(0, dtype=np.int64)
        return rows_of_efforts(self.ledger, self.efforts)

    @cached_property
    def _undone(self) -> Undone:
        undone = undo(self.ledger)
        return undone if undone is not None else Undone(np.zeros(len(self), dtype=np.bool_), self.columns["writeoff_amount"])

    @property
    def is_reversed(self) -> Flags:
        """Return which rows reverse another one or were reversed whole."""
        return self._undone.is_reversed

    @cached_property
    def left(self) -> Array:
        """Return the cents of each row that reversals left written off, with nothing in the place of null."""
        left = self._undone.left_cents
        return np.where(left == NULL, 0, left)

    @cached_property
    def is_copy(self) -> Flags:
        """Return which rows repeat an earlier posting."""
        mask = repeated_rows(self.ledger, self.is_reversed if self.is_reversed.any() else None)
        return mask if mask is not None else np.zeros(len(self), dtype=np.bool_)

    @cached_property
    def is_live(self) -> Flags:
        """Return the rows that stand: an amount was written off, nothing undid it, and it repeats no other."""
        kind = self.columns["posting_kind"]
        other = [self.ledger.vocabulary.find("posting_kind", word) for word in ("reversal", "transfer", "conversion")]
        live: Flags = (
            (self.columns["writeoff_amount"] > 0) & ~self.is_reversed & ~self.is_copy & ~np.isin(kind, [c for c in other if c >= 0])
        )
        return live

    def category(self, *names: str) -> Flags:
        """Return the rows of these categories."""
        found: Flags = np.isin(self.view.triage.category, [CATEGORIES.index(name) for name in names])
        return found

    def family(self, *names: str) -> Flags:
        """Return the rows of these families."""
        found: Flags = np.isin(self.view.triage.family, [FAMILIES.index(name) for name in names])
        return found

    def remedy(self, *names: str) -> Flags:
        """Return the rows with these remedies."""
        found: Flags = np.isin(self.view.triage.remedy, [REMEDIES.index(name) for name in names])
        return found

    @cached_property
    def is_adverse(self) -> Flags:
        """Return the rows whose reason code is a payer's refusal, whatever category their amounts gave them."""
        return (self.columns["carc"] >= 0) & ~self.family(*BENIGN)

    @property
    def habits(self) -> Habits:
        """Return what payers usually allow, learned from all rows."""
        return self.once(HABITS, lambda: learn(self.columns, self.view.columns["implied_allowed_cents"], self.claim))

    def family_words(self, rows: Array) -> Array:
        """Return the family of some rows in words."""
        found: Array = _FAMILY[self.view.triage.family[rows]]
        return found

    @cached_property
    def policies(self) -> Policies | None:
        """Return the practice's policies, ready to be looked up."""
        table = self.practice.policies
        return Policies.of(table) if table is not None else None

    def given(self, name: str) -> Array:
        """Return an amount column with nothing in the place of null."""
        values = self.columns[name]
        return np.where(values == NULL, 0, values)


def rows_of_efforts(ledger: Batch, efforts: Batch) -> NDArray[np.int64]:
    """Return the row of the ledger that each effort is on; -1 where the ledger has none."""
    asked = efforts.columns["writeoff_id"].tolist()
    wanted = set(asked)
    place = {key: row for row, key in enumerate(ledger.columns["writeoff_id"].tolist()) if key in wanted}
    return np.array([place.get(key, -1) for key in asked], dtype=np.int64)
