"""What a change of process did: how often something happened before and after its day, beside everywhere else in the same months."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.codes.tables import FAMILIES
from features.feature import Floats
from features.money import NULL
from serving.findings.case import Case, Flags
from serving.findings.cells import HALF, YEAR
from serving.findings.prevention import avoidable_rows, claim_lines
from serving.findings.rates import LEAST
from serving.findings.rules import BY_ID
from serving.findings.table import Findings

WHERE = ("payer_id", "procedure_code", "facility_id", "provider_id", "posted_by")
"""Columns that say where a change was made; null: everywhere."""

_COUNTED = (
    "before", "after", "rate_before", "rate_after", "elsewhere_before", "elsewhere_after", "ratio", "ratio_low", "ratio_high",
    "saved_dollars_a_year",
)  # fmt: skip

CLEAR, NINETY = 2.0, 1.645
"""Standard errors beyond which chance alone is no explanation, and those of a 90 % band."""


def before_and_after(case: Case, findings: Findings, changes: Batch) -> list[dict[str, Any]]:
    """Return for each change what it was to lower, half a year before and up to half a year after its first day.

    Counted by the day of posting, like all rates of the audit. What happened elsewhere in the same months is what would have happened
    here; the band holds the ratio nine times in ten.

    Parameters
    ----------
    changes
        Of `PROCESS_CHANGES`, coded by the vocabulary of the ledger.

    Returns
    -------
    list of dict
        The columns of the table that are not null, and `verdict` (fewer, more, as before, too few to tell, not begun), `before`, `after`
        (counts), `rate_before`, `rate_after`, `elsewhere_before`, `elsewhere_after` (per line or posting), `ratio` (of what was to be
        expected) with `ratio_low` and `ratio_high`, and `saved_dollars_a_year`.
    """
    return [_judge(case, findings, changes, number) for number in range(len(changes))]


def _judge(case: Case, findings: Findings, changes: Batch, number: int) -> dict[str, Any]:
    told: dict[str, Any] = {name: words[number] for name in changes.table.names if name != "changed_on" for words in [changes.words(name)]}
    told = {name: word for name, word in told.items() if word is not None}
    day = int(changes.columns["changed_on"][number])
    told["changed_on"] = str(np.datetime64(day, "D"))
    fault = _fault(told)
    blank = dict.fromkeys(_COUNTED)
    if fault or day >= case.as_of:
        return {**told, **blank, "verdict": fault or "not begun"}
    here = np.ones(len(case), dtype=np.bool_)
    for name in WHERE:
        if (code := int(changes.columns[name][number])) >= 0:
            here &= case.columns[name] == code
    rows, dollars, exposed = _counted(case, findings, told)
    end = min(case.as_of, day + HALF)
    spans = ((day - HALF, day), (day, end))
    (b, nb, _), (a, na, paid) = (_in(case, rows, dollars, exposed, here, span) for span in spans)
    (eb, nob, _), (ea, noa, _) = (_in(case, rows, dollars, exposed, ~here, span) for span in spans)
    told |= {"before": b, "after": a, "rate_before": _rate(b, nb), "rate_after": _rate(a, na)}
    told |= {"elsewhere_before": _rate(eb, nob), "elsewhere_after": _rate(ea, noa)}
    if min(nb, na) < LEAST or b + a < LEAST:
        return {**blank, **told, "verdict": "too few to tell"}
    has_others = min(nob, noa) >= LEAST and min(eb, ea) >= LEAST
    drifted = (ea / noa) / (eb / nob) if has_others else 1.0
    expected = b / nb * drifted * na
    # Half an event more on each side keeps the logarithm of nothing out.
    error = math.sqrt(1 / (a + 0.5) + 1 / (b + 0.5) + (1 / ea + 1 / eb if has_others else 0.0))
    log = math.log((a + 0.5) / (na + 1) / ((b + 0.5) / (nb + 1) * drifted))
    verdict = "fewer" if log < -CLEAR * error else "more" if log > CLEAR * error else "as before"
    each = paid / a if a else _in(case, rows, dollars, exposed, here, spans[0])[2] / b
    return told | {
        "ratio": round(math.exp(log), 3),
        "ratio_low": round(math.exp(log - NINETY * error), 3),
        "ratio_high": round(math.exp(log + NINETY * error), 3),
        "saved_dollars_a_year": round((expected - a) * each * YEAR / (end - day), 2),
        "verdict": verdict,
    }


def _fault(told: dict[str, Any]) -> str:
    if told.get("family", FAMILIES[0]) not in FAMILIES:
        return f"there is no family {told['family']}"
    return f"there is no rule {told['rule']}" if "rule" in told and told["rule"] not in BY_ID else ""


def _counted(case: Case, findings: Findings, told: dict[str, Any]) -> tuple[NDArray[np.int64], Floats, Flags]:
    """Return row and dollars of what the change was to lower, and the rows that could have been one."""
    if "rule" in told:
        at = findings.of(told["rule"])
        at = at[findings.row[at] >= 0]
        return findings.row[at], np.where(findings.cents[at] == NULL, 0, findings.cents[at]) / 100, case.is_live | case.is_copy
    mask = avoidable_rows(case).copy()
    if "family" in told:
        mask &= case.family(told["family"])
    if "carc" in told:
        mask &= case.columns["carc"] == case.ledger.vocabulary.find("carc", told["carc"])
    rows = np.flatnonzero(mask)
    return rows, case.left[rows] / 100, claim_lines(case)


def _in(case: Case, rows: NDArray[np.int64], dollars: Floats, exposed: Flags, here: Flags, span: tuple[int, int]) -> tuple[int, int, float]:
    """Return how many there were in a span, of how many, and their dollars."""
    day = case.columns["writeoff_date"]
    within = here & (day >= span[0]) & (day < span[1])
    return int(within[rows].sum()), int((within & exposed).sum()), float(dollars[within[rows]].sum())


def _rate(count: int, of: int) -> float | None:
    return round(count / of, 5) if of >= LEAST else None
