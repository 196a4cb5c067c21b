"""The code tables (CARC, RARC, group, PLB, remedy, family, adjustment words) and their look-up."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from features.codes.licensed import read_kept, version_of

FAMILIES = (
    "appeal_procedural",
    "authorization",
    "benefit_max",
    "bundling",
    "by_rarc",
    "cob",
    "coding",
    "contractual",
    "documentation",
    "duplicate",
    "eligibility",
    "informational",
    "medical_necessity",
    "network",
    "non_covered",
    "patient_responsibility",
    "pend",
    "provider_enrollment",
    "timely_filing",
    "withhold",
    "unknown",
)
"""Families of `carc.csv`, sorted, and last the one of a row that no known code explains."""

PRIOR_RATES: Mapping[str, float] = {"high": 0.65, "medium": 0.375, "low": 0.15, "none": 0.02, "patient": 0.0, "wait": 0.0}
"""Recoverability to the chance believed before any outcome is known (judgement; see DOMAIN 2.8)."""


@dataclass(frozen=True, slots=True)
class Carc:
    """One claim adjustment reason code.

    Parameters
    ----------
    code, meaning, family
        The code, what it says in our words, and its family.
    usual_groups, required_groups
        Group codes it comes with, and the only ones it may come with (empty: any).
    rarc_required
        It says nothing without a remark code that is no alert.
    recoverability
        high, medium, low, none, patient or wait.
    remedy, remedy_if_pr
        What to do about it; what to do when the patient carries it (empty: the same).
    retired, effective_from, effective_to
        It is out of force; its first and last day, where known.
    """

    code: str
    meaning: str
    family: str
    usual_groups: tuple[str, ...]
    required_groups: tuple[str, ...]
    rarc_required: bool
    recoverability: str
    remedy: str
    remedy_if_pr: str
    retired: bool
    successors: tuple[str, ...]
    effective_from: date | None
    effective_to: date | None
    notes: str


@dataclass(frozen=True, slots=True)
class Rarc:
    """One remittance advice remark code; `alert` None is not known.

    `effect` (raise, lower), `family` and `remedy` are what it changes about its CARC, `appeal` is the right it gives or denies
    (None: it says nothing), `guard` whom it protects (qmb, nsa, no_billing), `track` what it starts or reports, `clock_days`
    the days it allows, `what` the data that is missing or wrong.
    """

    code: str
    meaning: str
    alert: bool | None
    effect: str
    family: str
    remedy: str
    appeal: bool | None
    guard: str
    track: str
    clock_days: int
    next_step: str
    effective_from: date | None
    effective_to: date | None
    what: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """The next step of a remedy in a family, where it says more than that of the remedy alone."""

    remedy: str
    family: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """The CAQH CORE 360 scenario of a reason code, with a remark code where one is named, while it is in force."""

    carc: str
    rarc: str
    scenario: str
    effective_from: date | None
    effective_to: date | None


@dataclass(frozen=True, slots=True)
class Remedy:
    """One remedy: what it is, and the next step in words, also where a guard could not be checked."""

    remedy: str
    meaning: str
    next_step: str
    next_step_if_unsure: str


@dataclass(frozen=True, slots=True)
class Family:
    """One family: what it means, its CAQH CORE 360 scenario, and the column that says whether the papers are there."""

    family: str
    meaning: str
    scenario: str
    evidence: str


@dataclass(frozen=True, slots=True)
class AdjustmentPhrase:
    """A phrase of a practice's own adjustment codes and what it says."""

    phrase: str
    category: str
    family: str
    remedy: str


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """All code tables, read once.

    Examples
    --------
    >>> from datetime import date
    >>> codes = Codes.load()
    >>> codes.carc("29").family, codes.carc("XYZ") is None
    ('timely_filing', True)

    A retired code is found on days it was in force, and without a day:

    >>> codes.carc("42", on=date(2005, 1, 1)).family, codes.carc("42", on=date(2020, 1, 1)) is None
    ('contractual', True)
    >>> codes.rarc("MA130").appeal
    False
    """

    carcs: Mapping[str, Carc]
    rarcs: Mapping[str, Rarc]
    groups: tuple[str, ...]
    plbs: Mapping[str, str]
    remedies: Mapping[str, Remedy]
    families: Mapping[str, Family]
    phrases: tuple[AdjustmentPhrase, ...]
    steps: tuple[Step, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    version: str = ""

    @classmethod
    def load(cls, extra: Path | None = None, on: date | None = None) -> Codes:
        """Return the tables that ship with the package, under a licensed list where one is kept.

        Parameters
        ----------
        extra
            Folder of lists that `recoup codes import` kept; None, or a folder without any: the tables alone.
        on
            The day whose list is wanted; None: the newest.
        """
        path = None if extra is None else version_of(extra, on)
        return _load() if path is None else _load_with(path, path.stat().st_mtime_ns)

    def carc(self, code: str, on: date | None = None) -> Carc | None:
        """Return the CARC, or None if there is none, or none in force on that day."""
        return _in_force(self.carcs.get(code), on)

    def rarc(self, code: str, on: date | None = None) -> Rarc | None:
        """Return the RARC, or None if there is none, or none in force on that day."""
        return _in_force(self.rarcs.get(code), on)

    def scenario(self, carc: str, rarcs: tuple[str, ...] = (), on: date | None = None) -> str | None:
        """Return the CORE 360 scenario that the table names for these codes on a day (None: today's), or None.

        Examples
        --------
        >>> Codes.load().scenario("31"), Codes.load().scenario("31", on=date(2013, 1, 1)), Codes.load().scenario("50")
        ('claim_data', None, None)
        """
        for row in self.scenarios:
            is_named = row.carc == carc and row.rarc in ("", *rarcs)
            is_over = row.effective_to is not None and (on is None or on >= row.effective_to)
            is_early = on is not None and row.effective_from is not None and on < row.effective_from
            if is_named and not is_over and not is_early:
                return row.scenario
        return None

    def seed_words(self) -> dict[str, list[str]]:
        """Return column to the words a `Vocabulary` should start with, always in the same order."""
        return {"group_code": list(self.groups), "carc": list(self.carcs)}


_Dated = TypeVar("_Dated", Carc, Rarc)


def _in_force(code: _Dated | None, on: date | None) -> _Dated | None:
    """Return the code if it exists and was in force on that day."""
    if code is None or on is None:
        return code
    if code.effective_from is not None and on < code.effective_from:
        return None
    # The stop date is the first day out of force: a code stopped on 1 July is not sent on that day.
    if code.effective_to is not None and on >= code.effective_to:
        return None
    return code


def _rows(name: str) -> Iterator[dict[str, str]]:
    """Read one of our own tables, one dictionary a row."""
    with files("features.codes").joinpath(name).open("r", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _answer(text: str) -> bool | None:
    return None if not text else text in ("Y", "yes")


@cache
def _load() -> Codes:
    return Codes(
        carcs={row["carc"]: _carc(row) for row in _rows("carc.csv")},
        rarcs={row["rarc"]: _rarc(row) for row in _rows("rarc.csv")},
        groups=tuple(row["group"] for row in _rows("group.csv")),
        plbs={row["plb"]: row["category"] for row in _rows("plb.csv")},
        remedies={row["remedy"]: Remedy(**row) for row in _rows("remedy.csv")},
        families={row["family"]: Family(**row) for row in _rows("family.csv")},
        phrases=tuple(AdjustmentPhrase(**row) for row in _rows("adjustment.csv")),
        steps=tuple(Step(**row) for row in _rows("step.csv")),
        scenarios=tuple(
            Scenario(row["carc"], row["rarc"], row["scenario"], _day(row["effective_from"]), _day(row["effective_to"]))
            for row in _rows("scenario.csv")
        ),
    )


@cache
def _load_with(path: Path, _written: int) -> Codes:
    """Lay a licensed list over our tables: its dates stand, and a code we do not know means nothing to triage."""
    ours = _load()
    carcs, rarcs, plbs = dict(ours.carcs), dict(ours.rarcs), dict(ours.plbs)
    effective = date.fromisoformat(path.stem)
    listed = read_kept(path)
    for item in sorted(listed, key=lambda item: item.start or date.min):
        if item.kind == "carc":
            is_over = item.stop is not None and item.stop <= effective
            known = carcs.get(item.code) or _unknown_carc(item.code)
            carcs[item.code] = replace(known, retired=is_over, effective_from=item.start, effective_to=item.stop)
        elif item.kind == "rarc":
            known_rarc = rarcs.get(item.code) or Rarc(item.code, "", None, "", "", "", None, "", "", 0, "", None, None)
            rarcs[item.code] = replace(known_rarc, effective_from=item.start, effective_to=item.stop)
        elif item.kind == "plb":
            plbs.setdefault(item.code, "informational")
    texts = {f"{item.kind} {item.code}": item.text for item in listed if item.text}
    return replace(ours, carcs=carcs, rarcs=rarcs, plbs=plbs, texts=texts, version=path.stem)


def _unknown_carc(code: str) -> Carc:
    """Return a code of which only the number is known: never contractual, somebody should look."""
    return Carc(code, "", "unknown", (), (), False, "low", "posting_correction", "none", False, (), None, None, "licensed list")


def _carc(row: dict[str, str]) -> Carc:
    return Carc(
        code=row["carc"],
        meaning=row["meaning"],
        family=row["family"],
        usual_groups=tuple(row["usual_groups"].split()),
        required_groups=tuple(row["required_groups"].split()),
        rarc_required=row["rarc_required"] == "yes",
        recoverability=row["recoverability"],
        remedy=row["remedy"],
        remedy_if_pr=row["remedy_if_pr"],
        retired=row["retired"] == "yes",
        successors=tuple(row["successors"].split()),
        effective_from=_day(row["effective_from"]),
        effective_to=_day(row["effective_to"]),
        notes=row["notes"],
    )


def _rarc(row: dict[str, str]) -> Rarc:
    return Rarc(
        code=row["rarc"],
        meaning=row["meaning"],
        alert=_answer(row["alert"]) if row["alert"] in ("Y", "N") else None,
        effect=row["effect"],
        family=row["family"],
        remedy=row["remedy"],
        appeal=_answer(row["appeal"]),
        guard=row["guard"],
        track=row["track"],
        clock_days=int(row["clock_days"] or 0),
        next_step=row["next_step"],
        effective_from=_day(row["effective_from"]),
        effective_to=_day(row["effective_to"]),
        what=row["what"],
    )
