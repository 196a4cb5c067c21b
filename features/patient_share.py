"""The patient's share of a line that nothing was paid for: imputed, because the remittance cannot show it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.codes.combinations import Combinations
from features.codes.meaning import CATEGORY
from features.line_money import LineMoney
from features.money import NULL
from features.rowwise import as_type, full, is_any, pick, put, rows_where, take, where
from features.tables import CATEGORIES

SHARE_SOURCES = ("none", "plan", "payer", "statute")
"""Whence an imputed share is: nowhere, what patients of the plan, or of the payer, usually carried; law."""
_PLAN, _PAYER, _STATUTE = 1, 2, 3

PARTS = 10_000
"""Shares are whole numbers of a ten-thousandth of the allowed amount."""

_FEWEST = 20
_PART_B = 2_000
_SHARING = (
    "posting_error",
    "never_billed",
    "denial",
    "underpayment",
    "questionable_contractual",
    "contractual",
    "withhold_receivable",
    "unclassified",
)
_MAY_HIDE_A_SHARE = np.array([name in _SHARING for name in CATEGORIES])
"""Categories whose recovery comes out of the allowed amount, so that the patient's part of it is no recovery; a take-back is all cash."""
_DENIAL = CATEGORY["denial"]


class UsualShares:
    """What share of the allowed amount patients usually carry, by payer and plan.

    Parameters
    ----------
    parts
        (payer, plan) to ten-thousandths; plan None is the payer as a whole.

    Examples
    --------
    >>> UsualShares({("ACME", None): 1500}).of("ACME", "GOLD", "commercial", None, None, None)
    (1500, 2)

    Medicare Part B leaves a fifth to the patient, but nothing of a laboratory test (42 USC 1395l(a)(1)):

    >>> UsualShares().of("M", None, "medicare", "professional", None, "99213")
    (2000, 3)
    >>> UsualShares().of("M", None, "medicare", "professional", None, "80053")
    (0, 3)
    """

    def __init__(self, parts: Mapping[tuple[str, str | None], int] | None = None) -> None:
        self._parts = dict(parts or {})
        self._combinations: Combinations[tuple[int, ...]] = Combinations(
            ("payer_id", "plan_id", "payer_type", "claim_type", "filing_indicator", "procedure_code"),
            lambda words: self.of(*words),
            {
                "procedure_code": lambda word: "8" if _is_laboratory(word) else None,
                "payer_id": lambda word: word if (word, None) in self._parts or word in self._planned else None,
                "plan_id": lambda word: word if self._parts else None,
                "filing_indicator": lambda word: word if word == "MB" else None,
            },
        )
        self._planned = {payer for payer, plan in self._parts if plan is not None}

    def __reduce__(self) -> tuple[type[UsualShares], tuple[object]]:
        # It goes to another process as what it was made of.
        return UsualShares, (self.parts,)

    @classmethod
    def learn(cls, batch: Batch, *, until: int) -> UsualShares:
        """Learn from lines that were paid in part and remitted before the day `until`; twenty of them make a habit."""
        columns = batch.columns
        allowed, paid, share = (columns[name] for name in ("allowed_amount", "paid_amount", "patient_responsibility_amount"))
        rows = np.flatnonzero((allowed > 0) & (paid > 0) & (share >= 0) & (share <= allowed) & (columns["writeoff_date"] < until))
        payer, plan = (columns[name][rows].astype(np.int64) for name in ("payer_id", "plan_id"))
        plans = int(plan.max(initial=-1)) + 2
        parts: dict[tuple[str, str | None], int] = {}
        # By payer and plan, then by payer alone, which a plan of -1 stands for.
        for of_plan in (plan, -1):
            keys, place = np.unique((payer + 1) * plans + of_plan + 1, return_inverse=True)
            count = np.bincount(place, minlength=len(keys))
            owed, whole = (np.zeros(len(keys), dtype=np.int64) for _ in range(2))
            np.add.at(owed, place, share[rows])
            np.add.at(whole, place, allowed[rows])
            known = zip(
                batch.vocabulary.decode("payer_id", keys // plans - 1), batch.vocabulary.decode("plan_id", keys % plans - 1), strict=True
            )
            found = zip(known, count.tolist(), (PARTS * owed // whole).tolist(), strict=True)
            parts |= {(str(payer_id), plan_id): part for (payer_id, plan_id), times, part in found if times >= _FEWEST}
        return cls(parts)

    @property
    def parts(self) -> dict[tuple[str, str | None], int]:
        """Return (payer, plan) to ten-thousandths."""
        return dict(self._parts)

    def of(self, *words: str | None) -> tuple[int, int]:
        """Return ten-thousandths and the place in `SHARE_SOURCES` for payer, plan, payer type, claim type, CLP06 and procedure."""
        payer, plan, payer_type, claim_type, filing, procedure = words
        if payer_type in ("medicaid", "medicaid_managed", "workers_comp"):
            # 42 CFR 447.15: payment in full.
            return 0, _STATUTE
        if payer is not None and plan is not None and (payer, plan) in self._parts:
            return self._parts[payer, plan], _PLAN
        if payer is not None and (payer, None) in self._parts:
            return self._parts[payer, None], _PAYER
        if payer_type == "medicare" and (claim_type or {"MB": "professional"}.get(filing or "")) == "professional":
            return (0 if procedure is not None and _is_laboratory(procedure) else _PART_B), _STATUTE
        return 0, 0

    def gather(self, batch: Batch) -> NDArray[np.int64]:
        """Return ten-thousandths and source of every row, shape (2, rows), or of a single one."""
        return self._combinations.gather(batch)


def _is_laboratory(procedure: str) -> bool:
    """Return whether Medicare pays it by the laboratory schedule: most of 80047-89398; the word `8` stands for any of them."""
    return procedure == "8" or (len(procedure) == 5 and procedure.isdigit() and "80047" <= procedure <= "89398")


_NOTHING_LEARNED = UsualShares()


def impute_shares(
    batch: Batch, money: LineMoney, category: NDArray[np.int64], shares: UsualShares | None
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Return the patient's imputed share in cents, and whence; NULL where the remittance shows one, or nothing is known.

    Only lines of which nothing was paid or allowed and whose expected amount is known: there the remittance says 0 for the patient
    because it says 0 for everybody (DOMAIN 3).
    """
    columns = batch.columns
    cents, source = full(category, NULL), as_type(full(category, 0), np.int8)
    is_bare = take(_MAY_HIDE_A_SHARE, category) & (money.settled <= 0) & (columns["allowed_amount"] <= 0) & (money.expected > 0)
    is_bare &= (columns["paid_amount"] == 0) | (category == _DENIAL)
    if not is_any(is_bare):
        return cents, source
    rows, table = rows_where(is_bare), _NOTHING_LEARNED if shares is None else shares
    parts, of = table.gather(_thin(batch, rows))
    imputed = where(of > 0, pick(money.expected, rows) * parts // PARTS, NULL)
    return put(cents, rows, imputed), put(source, rows, of)


def _thin(batch: Batch, rows: NDArray[np.intp]) -> Batch:
    """Return these rows with the columns that decide a share."""
    names = (batch.table.columns[0].name, *_NOTHING_LEARNED._combinations.columns)
    return type(batch)(batch.table, {name: pick(batch.columns[name], rows) for name in names}, batch.vocabulary)
