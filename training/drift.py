"""Is the world still the one that the model learned? Results against predictions per payer, and new write-offs against the old ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.errors import UsageError
from features.feature import Floats
from models.calibration import log_odds, probability
from models.drift import DESIGN, Chart, Design, Stream, charts, shift_of, threshold
from models.reference import shifts
from models.scorer import Scorer
from training.cut import Ledger
from training.labels import Cases, cases_as_of
from training.maturity import share_by

FALSE_ALARMS_A_YEAR, PAYERS = 1.0, 60
"""So many false alarms a year are allowed for so many payers."""

PSI_LOOK, NEW_CODES_LOOK = 0.25, 0.05
ENOUGH_TO_RETRAIN = 60
_DELAY_BINS = 8
_LEAST_SHARE = 0.02
_YEAR = 365.0
_SHOWN = 15
NEW_CODES = ("payer_id", "plan_id", "carc", "rarcs", "procedure_code", "provider_id", "facility_id")


@dataclass(frozen=True, slots=True)
class Results:
    """Efforts that ended since the model's cut, in the order in which that became known: one entry per effort (n).

    Parameters
    ----------
    cases
        What came of them.
    p
        Chance of recovery as of the day the work began, or the cut if that is later, with history as of the cut.
    logit
        The same as log odds, given how long the answer took; without what randomly chosen rows took off, for those that people chose.
    payer, family
        Words.
    expected
        Dollars.
    """

    cases: Cases
    p: Floats
    logit: Floats
    payer: NDArray[np.object_]
    family: NDArray[np.object_]
    expected: Floats

    def __len__(self) -> int:
        return len(self.cases)

    def take(self, rows: NDArray[Any]) -> Results:
        """Return the results at these positions, or under this mask."""
        return Results(self.cases.take(rows), *(getattr(self, name)[rows] for name in self.__slots__[1:]))


def watch(scorer: Scorer, ledger: Ledger, as_of: int, reference: Mapping[str, Any], design: Design = DESIGN) -> dict[str, Any]:
    """Return what changed since the model's cut, as JSON can hold it; `alarms` is empty while no payer changed its mind.

    A result is compared with the chance that the model gave, corrected for how long the answer took: recoveries are known sooner than
    refusals, so that of young work the good news comes first. What was chosen by lot stands apart: people choose what is better than
    it looks.

    Parameters
    ----------
    scorer
        The model.
    ledger
        As known on the morning of `as_of`, coded by an overlay of the scorer's vocabulary.
    reference
        The bundle's histograms.

    Raises
    ------
    UsageError
        When the model has no data cut before `as_of`.
    """
    if scorer.cut is None or scorer.cut >= as_of:
        knows = "the model has no data cut" if scorer.cut is None else f"the model knows what came until {_iso(scorer.cut)}"
        raise UsageError(f"{knows}: on the morning of {_iso(as_of)} nothing is newer; take a later day or an older model")
    results = results_since(scorer, ledger, as_of)
    chosen = results.take(~results.cases.explored)
    days = as_of - scorer.cut
    payers = len(set(chosen.payer.tolist()))
    allowed = FALSE_ALARMS_A_YEAR * days / _YEAR * payers / PAYERS
    found = _charts(chosen, allowed, design)
    new = ledger.writeoffs.take(ledger.writeoffs.columns["writeoff_date"] >= scorer.cut)
    moved = _moved(scorer, new, reference)
    codes = new_codes(scorer, new)
    return {
        "model_version": scorer.version,
        "bundle_hash": scorer.bundle_hash,
        "cut": _iso(scorer.cut),
        "as_of": _iso(as_of),
        "days": days,
        "results": len(results),
        "open": _still_open(ledger, scorer.cut, as_of),
        "payers": payers,
        "false_alarms_a_year": round(FALSE_ALARMS_A_YEAR * payers / PAYERS, 2),
        "threshold": round(found.height, 3),
        "chosen": _summary(chosen),
        "explored": _summary(results.take(results.cases.explored)),
        "alarms": found.alarms,
        "groups": found.groups,
        "new_writeoffs": len(new),
        "moved": moved,
        "new_codes": codes,
        "looks": _looks(moved, codes),
        "advice": advice(found.alarms),
    }


def results_since(scorer: Scorer, ledger: Ledger, as_of: int) -> Results:
    """Return the efforts that ended since the cut, with the model's prediction of each."""
    cut = int(scorer.cut or 0)
    everything, _ = cases_as_of(ledger.writeoffs, ledger.outcomes, as_of)
    decided = everything.take(everything.decided)
    late = decided.take(decided.resolved_on >= cut)
    late = late.take(np.argsort(late.resolved_on, kind="stable"))
    p, expected, family = predicted(scorer, ledger.writeoffs, late, cut)
    told = np.where(late.explored, 0.0, -scorer.models.likelihood.calibration.explored_shift)
    odds = log_odds(np.clip(p, 1e-6, 1 - 1e-6)) + told + delay_odds(decided.take(decided.resolved_on < cut), late, cut)
    payer = np.array([word or "" for word in ledger.writeoffs.take(late.row).words("payer_id")], dtype=object)
    results = Results(late, p, odds, payer, family, expected)
    # Where recovery is impossible by rule nothing was predicted.
    return results.take(p > 0)


def predicted(scorer: Scorer, writeoffs: Batch, cases: Cases, cut: int) -> tuple[Floats, Floats, NDArray[np.object_]]:
    """Return chance, dollars and family of each case as of the day it was begun, each write-off alone."""
    p, expected, family = np.zeros(len(cases)), np.zeros(len(cases)), np.full(len(cases), "", dtype=object)
    day = np.maximum(cases.worked_on, cut)
    for on in np.unique(day).tolist():
        rows = np.flatnonzero(day == on)
        batch = writeoffs.take(cases.row[rows])
        batch.columns["claim_id"] = np.full(len(rows), None, dtype=object)
        scores = scorer.score(batch, as_of=on, reasons=0).columns
        p[rows], expected[rows], family[rows] = scores["recovery_probability"], scores["expected_recovery"], scores["family"]
    return p, expected, family


def delay_odds(past: Cases, late: Cases, cut: int) -> Floats:
    """Return what the days to an answer add to the log odds that it is a recovery, learned from efforts that had ended before the cut."""
    won, lost = past.take(past.recovered), past.take(~past.recovered)
    if min(len(won), len(lost)) < 50:
        return np.zeros(len(late))
    edges = np.unique(np.quantile(past.resolved_on - past.worked_on, np.linspace(0, 1, _DELAY_BINS + 1)[1:-1]))
    parts = []
    for kind in (won, lost):
        delay, age = (kind.resolved_on - kind.worked_on).astype(float), (cut - 1 - kind.worked_on).astype(float)
        share = share_by(delay, age, edges)
        parts.append(np.maximum(np.diff(np.concatenate([[0.0], share, [1.0]])), _LEAST_SHARE))
    place = np.searchsorted(edges, late.resolved_on - late.worked_on, side="left")
    found: Floats = np.log(parts[0] / parts[1])[place]
    return found


@dataclass(frozen=True, slots=True)
class _Found:
    height: float
    alarms: list[dict[str, Any]]
    groups: list[dict[str, Any]]


def _charts(chosen: Results, allowed: float, design: Design) -> _Found:
    """Draw the charts of all results, of each payer, and of each payer and family, and find those that pass the common threshold."""
    if not len(chosen):
        return _Found(0.0, [], [])
    stream = Stream(chosen.cases.resolved_on, chosen.logit, chosen.cases.recovered)
    cells = np.array([f"{p}\x1f{f}" for p, f in zip(chosen.payer.tolist(), chosen.family.tolist(), strict=True)], dtype=object)
    groupings, names = [], []
    for words in (chosen.payer, cells):
        known, code = np.unique(words.astype(str), return_inverse=True)
        groupings.append(code.astype(np.int64))
        names.append(known.tolist())
    height = threshold(stream, groupings, allowed, design)
    alarms, groups = [], []
    for kind, (code, known) in enumerate(zip(groupings, names, strict=True)):
        for chart in charts(stream, code, design):
            payer, _, family = known[chart.group].partition("\x1f")
            told = {"payer": payer, "family": family if kind else None, **_of(chosen, chart)}
            groups.append({**told, "highest": round(float(chart.paths.max()), 3)})
            at = chart.alarm(height)
            if at is not None:
                alarms.append(told | _alarm(chosen, chart, at))
    alarms.sort(key=lambda row: (row["alarm_on"], row["payer"], row["family"] or ""))
    groups.sort(key=lambda row: -row["highest"])
    return _Found(height, alarms, groups[:_SHOWN])


def _of(chosen: Results, chart: Chart) -> dict[str, Any]:
    part = chosen.take(chart.rows)
    return {"results": len(part), "predicted": round(float(probability(part.logit).sum()), 2), "recovered": int(part.cases.recovered.sum())}


def _alarm(chosen: Results, chart: Chart, found: tuple[int, int, int]) -> dict[str, Any]:
    at, zero, side = found
    since = chosen.take(chart.rows[zero:])
    shift = shift_of(since.logit, since.cases.recovered)
    return {
        "direction": ("pays less often", "pays more often")[side],
        "changed_about": _iso(int(chosen.cases.resolved_on[chart.rows[zero]])),
        "alarm_on": _iso(int(chosen.cases.resolved_on[chart.rows[at]])),
        "results_to_alarm": at - zero + 1,
        "results_since": len(since),
        "predicted_since": round(float(probability(since.logit).sum()), 2),
        "recovered_since": int(since.cases.recovered.sum()),
        "shift": round(shift, 3),
    }


def advice(alarms: list[dict[str, Any]]) -> list[str]:
    """Say what to do about each payer that rang: retrain where enough is known of its new mind, else plan with shifted chances."""
    found = []
    for payer in dict.fromkeys(row["payer"] for row in alarms):
        rows = [row for row in alarms if row["payer"] == payer]
        most = max(rows, key=lambda row: int(row["results_since"]))
        what = f"{payer}" + (
            f" ({', '.join(sorted({row['family'] for row in rows if row['family']}))})" if any(r["family"] for r in rows) else ""
        )
        start = f"{what} {most['direction']} since about {min(row['changed_about'] for row in rows)}"
        if most["results_since"] >= ENOUGH_TO_RETRAIN:
            found.append(f"{start}: retrain, {most['results_since']} results are known since then")
        else:
            found.append(
                f"{start}: shift its chances by {most['shift']:+.1f} log odds until {ENOUGH_TO_RETRAIN} results are known "
                f"({most['results_since']} are), then retrain"
            )
    return found


def _summary(results: Results) -> dict[str, Any]:
    if not len(results):
        return {"results": 0, "predicted": 0.0, "recovered": 0, "z": None, "shift": None, "predicted_dollars": 0.0, "dollars": 0.0}
    p, won = probability(results.logit), results.cases.recovered
    return {
        "results": len(results),
        "predicted": round(float(p.sum()), 1),
        "recovered": int(won.sum()),
        "z": round(float((won.sum() - p.sum()) / np.sqrt(max((p * (1 - p)).sum(), 1e-9))), 2),
        "shift": round(shift_of(results.logit, won), 3),
        "predicted_dollars": round(float(results.expected.sum()), 2),
        "dollars": round(float(results.cases.cents.sum()) / 100.0, 2),
    }


def _still_open(ledger: Ledger, cut: int, as_of: int) -> int:
    cases, _ = cases_as_of(ledger.writeoffs, ledger.outcomes, as_of)
    return int(((cases.worked_on >= cut) & ~cases.decided).sum())


def _moved(scorer: Scorer, new: Batch, reference: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not len(new) or not reference.get("features"):
        return []
    alone = new.take(np.arange(len(new)))
    alone.columns["claim_id"] = np.full(len(new), None, dtype=object)
    x = scorer.matrix(alone, scorer.viewer.serve(alone, int(scorer.cut or 0)).columns)
    found = shifts(reference, x, scorer.layout.names)
    order = sorted(found, key=lambda name: (-found[name], name))
    return [{"feature": name, "psi": found[name]} for name in order[:_SHOWN]]


def new_codes(scorer: Scorer, new: Batch) -> list[dict[str, Any]]:
    """Return, for each coded column, the share of new write-offs whose word the model never saw, and the most frequent of these words."""
    found = []
    for column in NEW_CODES:
        codes = new.columns[column]
        fresh = codes[codes >= scorer.vocabulary.size(column)]
        known, count = np.unique(fresh, return_counts=True)
        most = new.vocabulary.decode(column, known[np.argsort(-count, kind="stable")[:5]])
        found.append({"column": column, "share": round(len(fresh) / max(len(new), 1), 4), "words": most})
    return found


def _looks(moved: list[dict[str, Any]], codes: list[dict[str, Any]]) -> list[str]:
    """Name what deserves a look but is no alarm: chances may hold although who comes in has changed."""
    found = [f"{row['feature']} moved (population stability index {row['psi']:.2f})" for row in moved if row["psi"] > PSI_LOOK]
    return found + [
        f"{row['share']:.0%} of the new write-offs have a {row['column']} that the model never saw"
        for row in codes
        if row["share"] > NEW_CODES_LOOK
    ]


def _iso(day: int) -> str:
    return str(np.datetime64(day, "D"))
