"""Checks of the data before anything is fitted: is it whole, fresh, mature, and does it still say what it said before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.feature import Floats
from features.matrix import extra_kind
from features.money import NULL
from training.contest import Window
from training.cut import Ledger
from training.evaluate import auc, static_rates
from training.gates import Measure
from training.labels import Cases, cases_as_of

NEW_DAYS = 90
_LEAST = 50
_BINS = 10
_NO_BEFORE = "no champion's data to compare with"


def check(ledger: Ledger, as_of: int, window: Window, before: Ledger | None) -> dict[str, Measure]:
    """Measure what the data gates ask.

    Parameters
    ----------
    ledger
        As known on the morning of `as_of`.
    window
        On which models will be judged.
    before
        The champion's snapshot; None: there is none, and what compares with it holds.
    """
    cases, unmatched = cases_as_of(ledger.writeoffs, ledger.outcomes, as_of)
    decided = cases.take(cases.decided)
    learned = decided.take(decided.resolved_on < window.start)
    posted = ledger.writeoffs.columns["writeoff_date"]
    delays = decided.resolved_on - decided.worked_on
    over = decided.cents[decided.recovered] > _cents(ledger.writeoffs, "writeoff_amount")[decided.row[decided.recovered]]
    known = (ledger.writeoffs.columns["writeoff_amount"] != NULL)[decided.row[decided.recovered]]
    return {
        "newest_posting_days": Measure(float(as_of - posted.max()) if len(posted) else None),
        "newest_effort_days": Measure(float(as_of - cases.worked_on.max()) if len(cases) else None),
        "newest_result_days": Measure(float(as_of - decided.resolved_on.max()) if len(decided) else None),
        "learned_efforts": Measure(float(len(learned))),
        "judged_efforts": Measure(float(len(window))),
        "judged_recoveries": Measure(float(window.cases.recovered.sum())),
        "unmatched_share": Measure(unmatched / max(len(ledger.outcomes), 1)),
        "repeated_share": Measure(_repeated(ledger.outcomes)),
        "new_code_share": Measure(_new_codes(ledger.writeoffs, as_of)),
        "instant_share": Measure(float((delays <= 0).mean()) if len(delays) else None),
        "over_cap_share": Measure(float(over[known].mean()) if known.any() else 0.0),
        "expert_auc": _expert(ledger.writeoffs, decided),
        **_telltale(ledger.writeoffs, cases),
        **_against(ledger, before, cases),
    }


def _repeated(outcomes: Batch) -> float:
    """Return the share of decided efforts that another row tells too: same write-off, same days, same money."""
    c = outcomes.columns
    ended = np.flatnonzero(c["resolved_date"] != NULL)
    told = ("writeoff_id", "worked_date", "resolved_date", "status", "recovered_amount")
    keys = list(zip(*(c[name][ended].tolist() for name in told), strict=True))
    return 1.0 - len(set(keys)) / len(keys) if keys else 0.0


def _new_codes(writeoffs: Batch, as_of: int) -> float:
    c = writeoffs.columns
    late = c["writeoff_date"] >= as_of - NEW_DAYS
    if not late.any() or late.all():
        return 0.0
    new = np.zeros(int(late.sum()), dtype=np.bool_)
    for column in ("payer_id", "carc"):
        codes = c[column][late]
        new |= (codes >= 0) & ~np.isin(codes, np.unique(c[column][~late]))
    return float(new.mean())


def _expert(writeoffs: Batch, decided: Cases) -> Measure:
    """Rank results by the expert's rates, where a denial's code says anything."""
    rates = static_rates(writeoffs.take(decided.row).words("carc"))
    tells = rates > 0
    found = auc(rates[tells], decided.recovered[tells])
    return Measure(found) if found is not None and len(np.unique(rates[tells])) > 1 else Measure(None, "no codes to rank by", absent=True)


def _telltale(writeoffs: Batch, cases: Cases) -> dict[str, Measure]:
    """Look for a user's column that was filled after the result was known."""
    if not writeoffs.extras:
        nothing = Measure(None, "no x_ column", absent=True)
        return {"telltale_auc": nothing, "telltale_shift": nothing}
    aucs, shifts = {}, {}
    for name, values in writeoffs.extras.items():
        place = _places(values)[cases.row]
        aucs[name] = _tells(place[cases.decided], cases.recovered[cases.decided])
        open_ = ~cases.decided
        if cases.decided.sum() >= _LEAST and open_.sum() >= _LEAST:
            shifts[name] = _distance(place[cases.decided], place[open_])
    best, most = max(aucs, key=lambda n: aucs[n]), max(shifts, key=lambda n: shifts[n], default=None)
    return {
        "telltale_auc": Measure(aucs[best], best),
        "telltale_shift": Measure(shifts[most], most) if most else Measure(None, "no open effort to compare with", absent=True),
    }


def _places(values: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return each value's bin: deciles of numbers, else the value itself; -1 for null."""
    there = np.array([value is not None for value in values.tolist()])
    out = np.full(len(values), -1, dtype=np.int64)
    if extra_kind(values) == "number" and there.any():
        numbers = values[there].astype(np.float64)
        edges = np.unique(np.quantile(numbers, np.linspace(0, 1, _BINS + 1)[1:-1]))
        # Left and right of an edge differ where a number is exactly on it, as 0 and 1 are.
        out[there] = np.searchsorted(edges, numbers, side="left") + np.searchsorted(edges, numbers, side="right")
    elif there.any():
        out[there] = np.unique(values[there].astype(str), return_inverse=True)[1]
    return out


def _tells(place: NDArray[np.int64], won: NDArray[np.bool_]) -> float:
    """Return the AUC of the rate of recovery per bin, each half ranked by the rates of the other."""
    if len(won) < 2 * _LEAST:
        return 0.5
    half = np.arange(len(won)) % 2 == 0
    score = np.zeros(len(won))
    for fit in (half, ~half):
        codes = np.unique(place)
        rates = {c: (won[fit & (place == c)].sum() + won.mean()) / ((fit & (place == c)).sum() + 1.0) for c in codes.tolist()}
        score[~fit] = [rates[c] for c in place[~fit].tolist()]
    return auc(score, won) or 0.5


def _distance(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Return the total variation distance of two samples over the same bins: 0 alike, 1 nothing in common."""
    codes = np.unique(np.concatenate([first, second]))
    return float(0.5 * sum(abs((first == c).mean() - (second == c).mean()) for c in codes.tolist()))


def _against(ledger: Ledger, before: Ledger | None, cases: Cases) -> dict[str, Measure]:
    """Compare with what the champion was given: the past may grow, it does not change."""
    names = ("missing_share", "revised_share", "delay_change", "recovered_change", "dollars_change")
    if before is None:
        return {name: Measure(None, _NO_BEFORE, absent=True) for name in names}
    old, _ = cases_as_of(before.writeoffs, before.outcomes, np.iinfo(np.int64).max)
    was, now = old.take(old.decided), cases.take(cases.decided)
    if not len(was) or not len(now):
        return {name: Measure(None, "no decided effort", absent=not len(was)) for name in names}
    missing, revised = _revised(ledger, before)
    days = [float(np.median(c.resolved_on - c.worked_on)) for c in (was, now)]
    won = [float(c.recovered.mean()) for c in (was, now)]
    money = [float(c.cents[c.recovered].mean()) if c.recovered.any() else 0.0 for c in (was, now)]
    return {
        "missing_share": Measure(missing),
        "revised_share": Measure(revised),
        "delay_change": Measure(abs(days[1] - days[0]) / max(days[0], 1.0)),
        "recovered_change": Measure(abs(won[1] - won[0])),
        "dollars_change": Measure(abs(money[1] - money[0]) / money[0]) if money[0] > 0 else Measure(None, "nothing recovered", absent=True),
    }


def _revised(ledger: Ledger, before: Ledger) -> tuple[float, float]:
    """Return the larger share of write-offs or efforts that are gone, and the share of results that changed.

    Files may begin later than they did (old years are laid down), so only what falls in the span of the new ones is missed. A later
    take-back changes what a recovery brought, not that it was one, and is allowed for by the gate's limit.
    """
    first = int(ledger.writeoffs.columns["writeoff_date"].min())
    kept = before.writeoffs.columns["writeoff_date"] >= first
    ids = before.writeoffs.columns["writeoff_id"][kept].tolist()
    here = set(ledger.writeoffs.columns["writeoff_id"].tolist())
    gone = 1.0 - sum(key in here for key in ids) / max(len(ids), 1)
    was, now, span = _results(before), _results(ledger), set(ids)
    was = {key: told for key, told in was.items() if key[0] in span}
    lost = sum(key not in now for key in was)
    changed = sum(told is not None and key in now and now[key] != told for key, told in was.items())
    ended = sum(told is not None for told in was.values())
    return max(gone, lost / max(len(was), 1)), changed / max(ended, 1)


def _results(ledger: Ledger) -> dict[tuple[str, int, int], tuple[int, int] | None]:
    """Return what each effort brought and when it was known; None while it was open. Efforts of one day are told apart by their order."""
    cases, _ = cases_as_of(ledger.writeoffs, ledger.outcomes, np.iinfo(np.int64).max)
    ids = ledger.writeoffs.columns["writeoff_id"][cases.row].tolist()
    found: dict[tuple[str, int, int], tuple[int, int] | None] = {}
    counts: dict[tuple[str, int], int] = {}
    rows = zip(ids, cases.worked_on.tolist(), cases.decided.tolist(), cases.resolved_on.tolist(), cases.cents.tolist(), strict=True)
    for key, worked, is_decided, resolved, cents in rows:
        place = counts[key, worked] = counts.get((key, worked), -1) + 1
        found[key, worked, place] = (resolved, cents) if is_decided else None
    return found


def _cents(batch: Batch, name: str) -> Floats:
    values = batch.columns[name]
    return np.where(values == NULL, 0, values).astype(np.float64)
