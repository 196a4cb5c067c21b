"""The plan of every row of a batch: looked up by its words and its segment of time, worked out where it is new."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch, Single
from features.codes.combinations import distinct, number_words
from features.contract.modifiers import modifier_table, split_modifiers
from features.contract.plan import NO_PLAN, Plan, Planner, Worked, pack
from features.contract.reference import FACILITY_PLACES, OTHER_PLACES, ReferenceFees
from features.contract.terms import PLACES, UNKNOWN, Terms
from features.rowwise import single

_FEW = 64
_REMEMBERED = 200_000
_COLUMN_OF = {"modifier": "modifiers"}


class Plans:
    """Plans, remembered.

    Parameters
    ----------
    terms, fees
        What is agreed.
    """

    def __init__(self, terms: Terms, fees: ReferenceFees) -> None:
        self._terms, self._planner = terms, Planner(terms, fees)
        self.columns = _columns(terms, fees)
        self._simplify = _simplifiers(self.columns, terms, fees)
        self._known: dict[tuple[str | int | None, ...], int] = {}
        self._numbers: dict[Plan, int] = {NO_PLAN: 0}
        # One column a plan; doubled when full, so that a new plan costs no copy of all.
        self._table = np.array(NO_PLAN, dtype=np.int64).reshape(-1, 1).repeat(64, axis=1)
        self._lock = Lock()

    def rows(self, batch: Batch) -> NDArray[np.int64]:
        """Return the fields of `Plan` for every row, shape (fields, rows); the plan itself of a single one."""
        if isinstance(batch, Single):
            words = map(batch.spelled.__getitem__, self.columns)
            number = self._number((self._terms.segment(batch.columns["service_date"]), *words))
            return single(self._table[:, number].tolist())
        numbers = self._few(batch) if len(batch) <= _FEW else self._many(batch)
        return self._table.take(numbers, axis=1)

    def work(self, batch: Batch, row: int) -> Worked:
        """Work out again how a row is priced, for people."""
        words = {name: batch.vocabulary.word(name, int(batch.columns[name][row])) for name in self.columns}
        return self._planner.work(words, self._terms.segment(int(batch.columns["service_date"][row])))

    def _few(self, batch: Batch) -> NDArray[np.int64]:
        word, segment = batch.vocabulary.word, self._terms.segment
        numbers = []
        for day, *codes in zip(*(batch.columns[name].tolist() for name in ("service_date", *self.columns)), strict=True):
            numbers.append(self._number((segment(day), *map(word, self.columns, codes))))
        return np.array(numbers, dtype=np.int64)

    def _many(self, batch: Batch) -> NDArray[np.int64]:
        day = batch.columns["service_date"]
        segment = np.where(day < _FIRST_DAY, -1, np.searchsorted(self._terms.starts, day, side="right"))
        arrays, words = [segment], []
        for name in self.columns:
            codes, simple = number_words(batch, name, self._simplify[name])
            arrays.append(codes)
            words.append(simple)
        first, place = distinct(arrays)
        columns = ([simple[code] for code in codes[first].tolist()] for simple, codes in zip(words, arrays[1:], strict=True))
        numbers = [self._number(key) for key in zip(segment[first].tolist(), *columns, strict=True)]
        return np.array(numbers, dtype=np.int64)[place]

    def _number(self, key: tuple[str | int | None, ...]) -> int:
        """Return the place of a plan in the table, working it out if it is new."""
        number = self._known.get(key)
        if number is None:
            segment, *words = key
            assert isinstance(segment, int)
            row = {name: word if isinstance(word, str) else None for name, word in zip(self.columns, words, strict=True)}
            number = self._keep(key, pack(self._planner.work(row, segment)))
        return number

    def _keep(self, key: tuple[str | int | None, ...], plan: Plan) -> int:
        with self._lock:
            number = self._numbers.setdefault(plan, len(self._numbers))
            if number == self._table.shape[1]:
                self._table = np.concatenate([self._table, self._table], axis=1)
            self._table[:, number] = plan
            if len(self._known) >= _REMEMBERED:
                # Words come from outside, so what is remembered is bounded; plans are bounded by the terms.
                self._known.clear()
            self._known[key] = number
        return number


_FIRST_DAY = -(2**62)


def _columns(terms: Terms, fees: ReferenceFees) -> tuple[str, ...]:
    """Return the columns of a write-off that a price may depend on."""
    asked = [_COLUMN_OF.get(name, name) for name in PLACES if name in terms.asked and name not in UNKNOWN]
    more = ["procedure_code", "place_of_service"] if fees.procedures else []
    # Modifiers are always read: an unnamed one may forbid the price.
    return tuple(dict.fromkeys(("payer_id", *asked, *more, "modifiers")))


def _simplifiers(columns: tuple[str, ...], terms: Terms, fees: ReferenceFees) -> dict[str, Callable[[str], str | None]]:
    """Return for each column what makes its words few: those that no term names are alike."""
    made: dict[str, Callable[[str], str | None]] = {}
    for name in columns:
        named = terms.named.get(name, frozenset())
        made[name] = partial(_if_named, named | fees.procedures if name == "procedure_code" else named)
    if fees.procedures and "place_of_service" in made:
        made["place_of_service"] = partial(_simple_place, terms.named["place_of_service"])
    priced = frozenset(modifier_table()) | terms.named["modifier"] | fees.modifiers
    made["modifiers"] = partial(_simple_modifiers, priced)
    return made


def _if_named(named: frozenset[str], word: str) -> str | None:
    return word if word in named else None


def _simple_place(named: frozenset[str], word: str) -> str | None:
    """Return a place of service, or one of the same setting that no term names either."""
    if word in named:
        return word
    for places in (FACILITY_PLACES, OTHER_PLACES):
        if word in places:
            return min(places - named, default=word)
    return None


def _simple_modifiers(priced: frozenset[str], word: str) -> str | None:
    return " ".join(code for code in split_modifiers(word) if code in priced) or None
