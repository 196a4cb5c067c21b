"""What the contract pays: terms, their spans, and the price of a line; what cannot be priced says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from features.codes.combinations import Combinations
from features.money import NULL
from features.tables import Array, Batch

_PLACES = (
    "contract_id",
    "plan_id",
    "facility_id",
    "modifier",
    "procedure_code",
    "drg_code",
    "revenue_code",
    "place_of_service",
    "claim_type",
)
"""Columns a term may ask for beside the payer, the weightiest first where two terms ask for equally many."""
_COLUMN_OF = {"modifier": "modifiers"}
_UNSUPPORTED = ("product", "provider_class")
"""A write-off does not carry these, so a term that asks for one is never known to hold."""

CLAIM_PRICED = ("case_rate", "per_diem", "capitated")
"""Methods that price the claim: its lines carry no recovery of their own (DOMAIN 3)."""
_BY_UNIT = (None, "unit", "units", "service", "services", "each")
_BY_LINE = ("line", "visit")
PRICE_MODIFIERS = frozenset("26 TC 50 51 52 53 54 55 56 62 66 73 74 78 80 81 82 AS AD QK QX QY QZ".split())
"""Modifiers that change the price; a term that does not name them does not price the line."""

_NOT_PRICED, _FEE, _PERCENT, _NOTHING, _CLAIM = 0, 1, 2, 3, 4
_MOST_TERMS = 8
_ABSURD_CENTS = 10**12
"""Ten thousand million dollars for one line: beyond it whole numbers would overflow, and nobody was billed so."""
_ZERO, _NULL = np.array(0), np.array(NULL)
_ALWAYS, _NEVER_ENDS = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class Priced:
    """The contract's price of each row.

    Parameters
    ----------
    allowed_cents
        What the contract allows for the row as billed; NULL: not priced.
    term
        Row of the contract table that holds; -1: none.
    claim_priced
        The claim is priced as a whole, so the line has no price of its own.
    """

    allowed_cents: NDArray[np.int64]
    term: NDArray[np.int32]
    claim_priced: NDArray[np.bool_]


class ContractRates:
    """Contract terms, ready to price write-offs.

    Of the terms that hold for a row the one that asks for most wins; equal ones by the weight of what they ask for (contract,
    plan, facility, modifier, procedure ...). Priced are `fee_schedule`, `percent_of_charges` and `not_covered`; a row whose term
    has another method, whose modifiers change the price without the term naming them, or that has no term is not priced:
    no false variance.

    Parameters
    ----------
    terms
        Rows of `CONTRACT_RATES`.

    Examples
    --------
    >>> from features.tables import CONTRACT_RATES, WRITEOFFS, empty_columns
    >>> from features.vocabulary import Vocabulary
    >>> words = Vocabulary({"payer_id": ["ACME"], "procedure_code": ["99213", "99999"], "method": ["fee_schedule"]})
    >>> columns = empty_columns(CONTRACT_RATES, 1)
    >>> columns |= {"payer_id": np.array([0]), "procedure_code": np.array([0]), "method": np.array([0]), "value": np.array([120.0])}
    >>> rates = ContractRates(Batch(CONTRACT_RATES, columns, words))
    >>> rows = empty_columns(WRITEOFFS, 2) | {"payer_id": np.array([0, 0]), "procedure_code": np.array([0, 1])}
    >>> priced = rates.price(Batch(WRITEOFFS, rows, words))
    >>> priced.allowed_cents[0], priced.allowed_cents[1] == NULL, priced.term.tolist()
    (np.int64(12000), np.True_, [0, -1])
    """

    def __init__(self, terms: Batch) -> None:
        columns = terms.columns
        since, until, value = columns["effective_from"], columns["effective_to"], columns["value"].astype(np.float64)
        # Without a day of service (NULL, the least number) only a term without a span is known to hold.
        is_always = (since == NULL) & (until == NULL)
        self._since = _padded(np.where((since == NULL) & ~is_always, _ALWAYS, since), 0)
        self._until = _padded(np.where(until == NULL, _NEVER_ENDS, until), 0)
        is_valued = np.isfinite(value)
        # Four decimals are exact in an integer: 62.5 %, or an anaesthesia factor of 21.5321 dollars.
        self._value = _padded(np.rint(np.where(is_valued, value, 0.0) * 10_000).astype(np.int64), 0)
        self._is_lesser = _padded(columns["lesser_of_charges"] == 1, False)
        bases = terms.words("unit_basis")
        self._is_by_line = _padded(np.array([basis is not None and basis.lower() in _BY_LINE for basis in bases], dtype=np.bool_), False)
        told = zip(terms.words("method"), bases, terms.words("drg_code"), is_valued.tolist(), strict=True)
        self._method = _padded(np.array([_method(*row) for row in told], dtype=np.int64), _NOT_PRICED)
        self._index(terms)

    def __len__(self) -> int:
        return len(self._value) - 1

    def _index(self, terms: Batch) -> None:
        """File the terms under what they ask for, one drawer for each set of columns, the most specific drawer first."""
        self._drawers: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = {}
        words = {name: terms.words(name) for name in ("payer_id", *_PLACES, *_UNSUPPORTED)}
        used = {"payer_id"}
        for row in range(len(self)):
            if any(words[name][row] is not None for name in _UNSUPPORTED):
                continue
            asked = ("payer_id", *(name for name in _PLACES if words[name][row] is not None))
            key = tuple(words[name][row] or "" for name in asked)
            self._drawers.setdefault(asked, {}).setdefault(key, []).append(row)
            used.update(asked)
        order = {name: i for i, name in enumerate(_PLACES)}
        self._shapes = sorted(self._drawers, key=lambda asked: (-len(asked), [order[name] for name in asked[1:]]))
        self._names = tuple(name for name in ("payer_id", *_PLACES) if name in used)
        # Modifiers are always read: an unnamed one may forbid the price.
        self._columns = tuple(dict.fromkeys((*(_COLUMN_OF.get(name, name) for name in self._names), "modifiers")))
        self._combinations: Combinations[tuple[int, ...]] = Combinations(self._columns, self._candidates)

    def _candidates(self, words: tuple[str | None, ...]) -> tuple[int, ...]:
        """Return the terms that hold for a combination, the most specific first; -1 fills up.

        A term is given as twice its row, and one more if the row's modifiers change its price.
        """
        row = dict(zip(self._columns, words, strict=True))
        modifiers = (row["modifiers"] or "").upper().split()
        found: list[int] = []
        for asked in self._shapes:
            for key in _keys(asked, row, modifiers):
                for term in self._drawers[asked].get(key, ()):
                    named = key[asked.index("modifier")].upper() if "modifier" in asked else None
                    is_changed = any(modifier in PRICE_MODIFIERS and modifier != named for modifier in modifiers)
                    found.append(2 * term + is_changed)
        found = found[:_MOST_TERMS]
        return tuple(found + [-1] * (_MOST_TERMS - len(found)))

    def price(self, batch: Batch) -> Priced:
        """Return what the contract allows for each write-off, by its day of service."""
        day = batch.columns["service_date"]
        found = np.full(len(batch), -1, dtype=np.int64)
        for candidate in self._combinations.gather(batch):
            is_candidate = candidate >= _ZERO
            if not np.count_nonzero(is_candidate):
                break
            term = candidate >> 1
            holds = is_candidate & (self._since[term] <= day) & (day <= self._until[term]) & (found < _ZERO)
            found = np.where(holds, candidate, found)
        return self._price(batch, found)

    def _price(self, batch: Batch, found: NDArray[np.int64]) -> Priced:
        """Price rows by what `_candidates` gave for them; -1, no term, stands at the end of every array of terms."""
        term = found >> 1
        method, value = self._method[term], self._value[term]
        claim_priced = method == _CLAIM
        is_priced = (method != _NOT_PRICED) & ~claim_priced & ((found & 1 == _ZERO) | (found < _ZERO))
        billed, units = batch.columns["billed_amount"], batch.columns["units"]
        count = np.where(np.isnan(units) | self._is_by_line[term], 1.0, units)
        fee = np.where(method == _FEE, value, _ZERO) * count / 100.0
        is_priced &= fee < _ABSURD_CENTS
        price = np.floor(np.minimum(fee, _ABSURD_CENTS) + 0.5).astype(np.int64)
        is_percent, is_lesser = method == _PERCENT, self._is_lesser[term]
        needs_charge = is_percent | is_lesser
        if np.count_nonzero(needs_charge):
            charge = np.maximum(billed, _ZERO)
            price = np.where(is_percent, (charge * value + 500_000) // 1_000_000, price)
            price = np.where(is_lesser, np.minimum(price, charge), price)
            is_priced &= ~needs_charge | (billed != NULL) & (billed < _ABSURD_CENTS)
        return Priced(np.where(is_priced, price, _NULL), term.astype(np.int32), claim_priced)


def _padded(values: Array, last: int | bool) -> Array:
    """Return the values of all terms and, at the end, where -1 finds it, that of no term."""
    return np.append(values, np.array(last, dtype=values.dtype))


def _keys(asked: tuple[str, ...], row: dict[str, str | None], modifiers: list[str]) -> Iterator[tuple[str, ...]]:
    """Give the keys under which a drawer may hold terms for the row; one for each modifier where it asks for one."""
    choices: list[list[str]] = []
    for name in asked:
        if name == "modifier":
            choices.append(modifiers)
        else:
            word = row[name]
            choices.append([] if word is None else [word])
    return product(*choices)


def _method(method: str | None, basis: str | None, drg: str | None, is_valued: bool) -> int:
    """Return how a term prices a line."""
    if method in CLAIM_PRICED or drg is not None:
        return _CLAIM
    if method == "not_covered":
        return _NOTHING
    if not is_valued:
        return _NOT_PRICED
    if method == "percent_of_charges":
        return _PERCENT
    by_line_or_unit = basis is None or basis.lower() in (*_BY_UNIT, *_BY_LINE)
    return _FEE if method == "fee_schedule" and by_line_or_unit else _NOT_PRICED


def valid_writeoff(billed_cents: int, allowed_cents: int) -> int:
    """Return how much of a charge a contract lets go.

    Examples
    --------
    >>> valid_writeoff(200_00, 120_00), valid_writeoff(500_00, 350_00)
    (8000, 15000)
    """
    return max(billed_cents - allowed_cents, 0)


def underpayment(expected_cents: Array, allowed_cents: Array) -> NDArray[np.int64]:
    """Return how far each allowed amount is below the expected one; NULL where either is unknown or nothing was allowed.

    A line allowed at nothing was denied, not underpaid.

    Examples
    --------
    >>> underpayment(np.array([120_00, 350_00, 120_00]), np.array([90_00, 300_00, 120_00])).tolist()
    [3000, 5000, 0]
    """
    known = (expected_cents != NULL) & (allowed_cents > 0)
    return np.where(known, np.maximum(expected_cents - np.maximum(allowed_cents, 0), 0), NULL)
