"""Key figures with their definitions, by month and payer (DOMAIN 2.13)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.intake.remits.netting import Chain
from features.money import NULL
from features.tables import Array
from serving.findings.case import Case
from serving.findings.efforts import decided_rows
from serving.findings.prevention import avoidable_rows
from serving.findings.rates import LEAST

DEFINITIONS: dict[str, str] = {
    "initial_denial_rate": "claims whose first adjudication paid nothing of a charge and left nothing to the patient, over claims "
    "adjudicated (HFMA Claim Integrity 1; here by month of the remittance)",
    "initial_denial_dollars_rate": "the same in charges",
    "primary_denial_rate": "zero-paid remittances of primary payers over their remittances, duplicates left out (HFMA Claim Integrity 2)",
    "denial_writeoffs_share": "refusals written off, at what the payer should have allowed, over net patient service revenue, taken as "
    "what payers allowed on the claims in hand (HFMA MAP AR-6); not told where these hold less revenue than refusals",
    "days_denial_to_action": "median days from the first denial to the first effort (HFMA Claim Integrity 4)",
    "days_denial_to_resolution": "median days from the first denial to the end of the effort (HFMA Claim Integrity 5)",
    "overturn_rate": "efforts that brought payer cash net of take-backs over efforts that ended; never over all (HFMA Claim Integrity 6)",
    "net_recovery_rate": "cash less take-backs over what should have been allowed on the write-offs that were worked to an end",
    "recovered_per_hour": "cash less take-backs over logged hours of ended efforts",
    "touches_per_resolution": "efforts begun over write-offs with an ended effort",
    "writeoff_error_rate": "postings with a finding of the posting or policy rules over postings",
    "unknown_code_rate": "postings whose reason code is in no table over postings with a reason code",
}
"""What each figure is; one whose inputs are missing is null."""


def key_figures(case: Case, is_wrong: NDArray[np.bool_]) -> dict[str, Any]:
    """Return every figure as a whole, by month and by payer.

    Parameters
    ----------
    is_wrong
        Rows with a finding of the posting or policy rules.
    """
    c = case.columns
    month = c["writeoff_date"].astype("datetime64[D]").astype("datetime64[M]").astype(str)
    payer, names = c["payer_id"], case.ledger.vocabulary.words("payer_id")
    facts = _Facts(case, is_wrong)
    everything = np.ones(len(case), dtype=np.bool_)
    return {
        "definitions": DEFINITIONS,
        "all": facts.of(everything, None, None),
        "by_month": [{"month": str(m), **facts.of(month == m, str(m), None)} for m in np.unique(month).tolist()],
        "by_payer": [
            {"payer": name, **facts.of(payer == code, None, name)}
            for code in _largest(payer)
            for name in [names[code] if code >= 0 else "unknown"]
        ],
    }


def _largest(payer: Array, most: int = 40) -> list[int]:
    codes, counts = np.unique(payer, return_counts=True)
    return [int(codes[i]) for i in np.argsort(-counts, kind="stable")[:most].tolist()]


class _Facts:
    """What the figures are counted from, gathered once."""

    def __init__(self, case: Case, is_wrong: NDArray[np.bool_]) -> None:
        self.case, self.is_wrong = case, is_wrong
        self.won, self.ended = decided_rows(case)
        self.refused = avoidable_rows(case)
        self.claims = _adjudicated(case.remits.chains) if case.remits is not None else None
        self._gather_efforts()

    def _gather_efforts(self) -> None:
        n = len(self.case)
        self.cash, self.hours = np.zeros(n), np.zeros(n)
        self.begun, self.over = np.full(n, NULL, dtype=np.int64), np.full(n, NULL, dtype=np.int64)
        self.touches = np.zeros(n, dtype=np.int64)
        efforts = self.case.efforts
        if efforts is None:
            return
        c = efforts.columns
        columns = ("worked_date", "resolved_date", "recovered_amount", "taken_back_amount", "hours_spent")
        for row, begun, over, got, back, hours in zip(self.case.effort_rows.tolist(), *(c[name].tolist() for name in columns), strict=True):
            if row < 0 or begun >= self.case.as_of:
                continue
            self.touches[row] += 1
            self.begun[row] = begun if self.begun[row] == NULL else min(begun, int(self.begun[row]))
            if over != NULL and over < self.case.as_of:
                self.over[row] = max(over, int(self.over[row]))
                self.cash[row] += (max(got, 0) - max(back, 0)) / 100
                self.hours[row] += 0.0 if hours != hours else hours

    def of(self, mask: NDArray[np.bool_], month: str | None, payer: str | None) -> dict[str, float | None]:
        """Return the figures of some rows, and of the remittances of the same month or payer."""
        case, c = self.case, self.case.columns
        ended = mask & self.ended
        first = np.where(c["initial_denial_date"] != NULL, c["initial_denial_date"], c["remit_date"])
        dated = mask & self.refused & (first != NULL)
        acted = dated & (self.begun != NULL)
        closed = dated & self.ended & (self.over != NULL)
        expected = np.maximum(case.view.triage.expected_allowed_cents, 0) / 100
        coded = mask & (c["carc"] >= 0)
        unknown = coded & case.family("unknown")
        hours = float(self.hours[ended].sum())
        posted = mask & (c["writeoff_amount"] > 0)
        told: dict[str, float | None] = dict.fromkeys(DEFINITIONS)
        told |= self._of_claims(mask, month, payer)
        told |= {
            "days_denial_to_action": _median(self.begun[acted] - first[acted]),
            "days_denial_to_resolution": _median(self.over[closed] - first[closed]),
            "overturn_rate": _ratio((self.won & ended).sum(), ended.sum()),
            "net_recovery_rate": _ratio(self.cash[ended].sum(), expected[ended].sum(), enough=int(ended.sum())),
            "recovered_per_hour": round(float(self.cash[ended].sum()) / hours, 2) if hours and ended.sum() >= LEAST else None,
            "touches_per_resolution": _ratio(self.touches[ended].sum(), ended.sum()),
            "writeoff_error_rate": _ratio((self.is_wrong & posted).sum(), posted.sum()),
            "unknown_code_rate": _ratio(unknown.sum(), coded.sum()),
        }
        return told

    def _of_claims(self, mask: NDArray[np.bool_], month: str | None, payer: str | None) -> dict[str, float | None]:
        if self.claims is None:
            return {}
        months, payers, charge, allowed, is_denied, is_primary = self.claims
        own = np.ones(len(months), dtype=np.bool_)
        if month is not None:
            own &= months == month
        if payer is not None:
            own &= payers == payer
        rows = mask & self.refused
        expected, amount = self.case.view.triage.expected_allowed_cents, self.case.given("writeoff_amount")
        refused = float(np.where(expected > 0, np.minimum(amount, expected), amount)[rows].sum()) / 100
        earned = float(allowed[own].sum())
        primary = own & is_primary
        return {
            "initial_denial_rate": _ratio((own & is_denied).sum(), own.sum()),
            "initial_denial_dollars_rate": _ratio(charge[own & is_denied].sum(), charge[own].sum(), enough=int(own.sum())),
            "primary_denial_rate": _ratio((primary & is_denied).sum(), primary.sum()),
            # More refused than earned: most revenue is on claims that are not in hand.
            "denial_writeoffs_share": _ratio(refused, earned, enough=int(own.sum())) if refused <= earned else None,
        }


_Claims = tuple[NDArray[np.str_], NDArray[np.str_], Floats, Floats, NDArray[np.bool_], NDArray[np.bool_]]


def _adjudicated(chains: list[Chain]) -> _Claims:
    """Return month, payer, charge, allowed, whether denied and whether primary of the first adjudication of each claim."""
    months, payers, charges, alloweds, denied, primary = [], [], [], [], [], []
    for chain in chains:
        one = next((a for a in chain.adjudications if not a.claim.is_reversal), None)
        if one is None or (one.claim.charge or 0) <= 0:
            continue
        claim = one.claim
        adjusted = [*claim.adjustments, *(a for line in claim.lines for a in line.adjustments)]
        owed = sum(a.cents for a in adjusted if a.group == "PR")
        told = [line.allowed for line in claim.lines if line.allowed is not None]
        cut = sum(a.cents for a in adjusted if a.carc == "45")
        is_denied = (claim.paid or 0) == 0 and owed <= 0
        months.append(one.remit.remit_date[:7])
        payers.append(one.remit.payer_id)
        charges.append((claim.charge or 0) / 100)
        alloweds.append(0.0 if is_denied else (sum(told) if told else (claim.charge or 0) - cut) / 100)
        denied.append(is_denied)
        primary.append(claim.status in ("1", "19"))
    return (
        np.array(months),
        np.array(payers),
        np.array(charges),
        np.array(alloweds),
        np.array(denied, dtype=np.bool_),
        np.array(primary, dtype=np.bool_),
    )


def _ratio(part: Any, whole: Any, *, enough: int | None = None) -> float | None:
    """Return a share; None of fewer than eleven."""
    count = int(whole) if enough is None else enough
    return round(float(part) / float(whole), 4) if count >= LEAST and whole else None


def _median(days: NDArray[np.int64]) -> float | None:
    return float(np.median(days)) if len(days) >= LEAST else None
