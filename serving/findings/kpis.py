"""Key figures with their definitions, by month and payer (DOMAIN 2.13)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.intake.remits.netting import Adjudication, Chain
from features.money import NULL
from features.silent import LAST_DIGIT, MUCH
from features.tables import Array
from serving.findings.case import BENIGN, Case
from serving.findings.efforts import decided_rows, ended_efforts
from serving.findings.figures import ELSEWHERE, FIGURES
from serving.findings.opportunity import Opportunity
from serving.findings.policy import aid_codes
from serving.findings.prevention import avoidable_rows
from serving.findings.rates import LEAST, share_interval

MOST = 40
"""Payers, posters and reasons that are told, those with most postings first."""


def key_figures(opportunity: Opportunity, is_wrong: NDArray[np.bool_]) -> dict[str, Any]:
    """Return every figure as a whole, by month and by payer, and the share of wrong postings by poster and reason.

    Parameters
    ----------
    is_wrong
        Rows with a finding of the posting or policy rules.
    """
    case = opportunity.case
    c = case.columns
    facts = _Facts(opportunity, is_wrong)
    month = c["writeoff_date"].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    names = case.ledger.vocabulary.words("payer_id")
    by_month = sorted(_groups(month), key=lambda one: one[0])
    return {
        "definitions": {name: figure.definition for name, figure in FIGURES.items()},
        "elsewhere": ELSEWHERE,
        "all": facts.of(np.arange(len(case)), None, None),
        "by_month": [{"month": str(np.datetime64(m, "M")), **facts.of(rows, m, None)} for m, rows in by_month],
        "by_payer": [
            {"payer": name, **facts.of(rows, None, name)}
            for code, rows in _groups(c["payer_id"], MOST)
            for name in [names[code] if code >= 0 else "unknown"]
        ],
        "errors": {name: facts.errors(name) for name in ("posted_by", "carc", "adjustment_code")},
    }


def _groups(codes: Array, most: int | None = None) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each code with its rows, the most frequent first.

    >>> [(code, rows.tolist()) for code, rows in _groups(np.array([7, 5, 7]))]
    [(7, [0, 2]), (5, [1])]
    """
    found, place, counts = np.unique(codes, return_inverse=True, return_counts=True)
    order, start = np.argsort(place, kind="stable"), np.cumsum(counts) - counts
    for i in np.argsort(-counts, kind="stable")[:most].tolist():
        yield int(found[i]), order[start[i] : start[i] + counts[i]]


class _Facts:
    """What the figures are counted from, gathered once: arrays over the rows of the ledger, and over the claims in hand."""

    def __init__(self, opportunity: Opportunity, is_wrong: NDArray[np.bool_]) -> None:
        case = opportunity.case
        c = case.columns
        self.case, self.costs, self.is_wrong = case, opportunity.costs, is_wrong
        self.won, self.ended = decided_rows(case)
        self.refused = avoidable_rows(case)
        self.first = np.where(c["initial_denial_date"] != NULL, c["initial_denial_date"], c["remit_date"])
        self.is_coded = c["carc"] >= 0
        self.is_unknown = self.is_coded & case.family("unknown")
        self.is_posted = c["writeoff_amount"] > 0
        self.stands = case.is_live
        self.is_bad_debt = case.category("bad_debt")
        self.is_unclassified = case.category("unclassified")
        self.is_aid = np.isin(c["adjustment_code"], list(aid_codes(case)))
        self.is_expired = opportunity.is_expired
        self.cap = opportunity.cap
        self.claims = _Claims(case) if case.remits is not None else None
        self._gather_efforts()

    def _gather_efforts(self) -> None:
        n = len(self.case)
        self.cash, self.hours = np.zeros(n), np.zeros(n)
        self.begun, self.over = np.full(n, NULL, dtype=np.int64), np.full(n, NULL, dtype=np.int64)
        self.touches = np.zeros(n, dtype=np.int64)
        over = ended_efforts(self.case)
        self.came, self.predicted = (np.bincount(over.row, dollars, n) for dollars in (over.came, over.expected))
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

    def of(self, rows: NDArray[np.int64], month: int | None, payer: str | None) -> dict[str, float | None]:
        """Return the figures of some rows, and of the remittances of the same month or payer."""
        case = self.case
        ended = rows[self.ended[rows]]
        dated = rows[self.refused[rows] & (self.first[rows] != NULL)]
        acted = dated[self.begun[dated] != NULL]
        closed = dated[self.ended[dated] & (self.over[dated] != NULL)]
        # Cash of a line whose price nobody knows says nothing of the share that came in.
        priced = ended[case.view.triage.expected_allowed_cents[ended] > 0]
        allowed = float(case.view.triage.expected_allowed_cents[priced].sum()) / 100
        hours, cash = float(self.hours[ended].sum()), float(self.cash[ended].sum())
        posted, coded = rows[self.is_posted[rows]], rows[self.is_coded[rows]]
        standing = rows[self.stands[rows]]
        written_off = float(case.left[standing].sum())
        expired = rows[self.is_expired[rows]]
        told: dict[str, float | None] = dict.fromkeys(FIGURES)
        told |= self._of_claims(rows, month, payer)
        told |= {
            "days_denial_to_action": _median(self.begun[acted] - self.first[acted]),
            "days_denial_to_resolution": _median(self.over[closed] - self.first[closed]),
            "overturn_rate": _ratio(self.won[ended].sum(), len(ended)),
            "net_recovery_rate": _ratio(self.cash[priced].sum(), allowed, enough=len(priced)),
            "realised_over_predicted": _ratio(self.came[ended].sum(), self.predicted[ended].sum(), enough=len(ended)),
            "recovered_per_hour": round(cash / hours, 2) if hours and len(ended) >= LEAST else None,
            "cost_to_collect": _ratio(hours * self.costs.hourly, cash, enough=len(ended)) if hours and cash > 0 else None,
            "touches_per_resolution": _ratio(self.touches[ended].sum(), len(ended)),
            "expired_untouched": round(float(self.cap[expired].sum()) / 100, 2),
            "bad_debt_share": self._share(standing, self.is_bad_debt, written_off),
            "charity_share": self._share(standing, self.is_aid, written_off),
            "writeoff_error_rate": _ratio(self.is_wrong[posted].sum(), len(posted)),
            "unknown_code_rate": _ratio(self.is_unknown[coded].sum(), len(coded)),
        }
        return told

    def _share(self, standing: NDArray[np.int64], which: NDArray[np.bool_], written_off: float) -> float | None:
        left = self.case.left
        part, silent = (float(left[standing[rows[standing]]].sum()) for rows in (which, self.is_unclassified))
        # A share that is told is right to its last digit but for what is small beside it.
        if silent > MUCH * written_off or silent > max(part, LAST_DIGIT * written_off):
            return None
        return _ratio(part, written_off, enough=len(standing))

    def errors(self, name: str) -> list[dict[str, Any]]:
        """Return the share of wrong postings by poster, reason or adjustment code, with Wilson's 95 % interval: for training."""
        codes = self.case.columns[name]
        told = []
        for code, rows in _groups(codes, MOST):
            posted = rows[self.is_posted[rows]]
            if code >= 0 and len(posted) >= LEAST:
                wrong = int(self.is_wrong[posted].sum())
                low, high = share_interval(wrong, len(posted))
                told.append(
                    {
                        name: self.case.ledger.vocabulary.word(name, code),
                        "postings": len(posted),
                        "with_an_error": wrong,
                        "writeoff_error_rate": round(wrong / len(posted), 4),
                        "share_low": round(low, 4),
                        "share_high": round(high, 4),
                    }
                )
        return told

    def _of_claims(self, rows: NDArray[np.int64], month: int | None, payer: str | None) -> dict[str, float | None]:
        if self.claims is None:
            return {}
        of = self.claims
        theirs = np.ones(len(of.month), dtype=np.bool_) if payer is None else of.payer == payer
        own = theirs if month is None else theirs & (of.month == month)
        last = month if month is not None else int(of.month[theirs].max(initial=0))
        late = theirs & (of.month <= last) & (of.month > last - 3)
        refusals = rows[self.refused[rows]]
        expected = self.case.view.triage.expected_allowed_cents[refusals]
        amount = np.maximum(self.case.left[refusals], 0)
        refused = float(np.where(expected > 0, np.minimum(amount, expected), amount).sum()) / 100
        earned, count = float(of.allowed[own].sum()), int(own.sum())
        denied, primary = own & of.is_denied, own & of.is_primary
        return {
            "initial_denials": float(denied.sum()) if count >= LEAST else None,
            "initial_denied_charges": round(float(of.charge[denied].sum()), 2) if count >= LEAST else None,
            "initial_denial_rate": _ratio(denied.sum(), count),
            "initial_denial_rate_3_months": _ratio((late & of.is_denied).sum(), late.sum()),
            "initial_denial_dollars_rate": _ratio(of.charge[denied].sum(), of.charge[own].sum(), enough=count),
            "primary_denial_rate": _ratio((primary & of.is_denied).sum(), primary.sum()),
            "remittance_denial_rate": _ratio(of.refused_of[own].sum(), of.adjudications[own].sum()),
            # More refused than earned: most revenue is on claims that are not in hand.
            "denial_writeoffs_share": _ratio(refused, earned, enough=count) if refused <= earned else None,
        }


class _Claims:
    """One entry per claim in hand.

    Parameters
    ----------
    case
        With remittances.

    Attributes
    ----------
    month, payer, charge, allowed, is_denied, is_primary
        Of the first adjudication; month since 1970-01, dollars.
    adjudications, refused_of
        How many there were, reversals left out, and in how many of them something was refused.
    """

    def __init__(self, case: Case) -> None:
        assert case.remits is not None
        adverse = {code for code, known in case.codes.carcs.items() if known.family not in BENIGN}
        told = [_of_chain(chain, adverse) for chain in case.remits.chains]
        known = [one for one in told if one is not None]
        month, payer, charge, allowed, denied, primary, count, refused = zip(*known, strict=True) if known else [()] * 8
        self.month: NDArray[np.int64] = np.array(month, dtype="datetime64[M]").astype(np.int64)
        self.payer: NDArray[np.str_] = np.array(payer, dtype=np.str_)
        self.charge: Floats = np.array(charge, dtype=np.float64) / 100
        self.allowed: Floats = np.array(allowed, dtype=np.float64) / 100
        self.is_denied, self.is_primary = np.array(denied, dtype=np.bool_), np.array(primary, dtype=np.bool_)
        self.adjudications, self.refused_of = np.array(count, dtype=np.int64), np.array(refused, dtype=np.int64)


_Told = tuple[str, str, int, int, bool, bool, int, int]


def _of_chain(chain: Chain, adverse: set[str]) -> _Told | None:
    """Return what `_Claims` holds of one claim, money in cents; None where nothing was charged."""
    ones = [one for one in chain.adjudications if not one.claim.is_reversal]
    if not ones or (ones[0].claim.charge or 0) <= 0:
        return None
    claim = ones[0].claim
    adjusted = [*claim.adjustments, *(a for line in claim.lines for a in line.adjustments)]
    owed = sum(a.cents for a in adjusted if a.group == "PR")
    told = [line.allowed for line in claim.lines if line.allowed is not None]
    cut = sum(a.cents for a in adjusted if a.carc == "45")
    is_denied = (claim.paid or 0) == 0 and owed <= 0
    allowed = 0 if is_denied else sum(told) if told else (claim.charge or 0) - cut
    refused = sum(_refuses(one, adverse) for one in ones)
    first = ones[0].remit
    return first.remit_date[:7], first.payer_id, claim.charge or 0, allowed, is_denied, claim.status in ("1", "19"), len(ones), refused


def _refuses(one: Adjudication, adverse: set[str]) -> bool:
    claim = one.claim
    return any(a.cents > 0 and a.group != "PR" and a.carc in adverse for a in claim.adjustments) or any(
        a.cents > 0 and a.group != "PR" and a.carc in adverse for line in claim.lines for a in line.adjustments
    )


def _ratio(part: Any, whole: Any, *, enough: int | None = None) -> float | None:
    """Return a share; None of fewer than eleven."""
    count = int(whole) if enough is None else enough
    return round(float(part) / float(whole), 4) if count >= LEAST and whole else None


def _median(days: NDArray[np.int64]) -> float | None:
    return float(np.median(days)) if len(days) >= LEAST else None
