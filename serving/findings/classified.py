"""What every write-off is, with the codes and words that say so."""

from __future__ import annotations

import numpy as np

from features.codes.combinations import distinct
from features.codes.tables import FAMILIES
from features.tables import CATEGORIES, REMEDIES
from serving.findings.case import Case
from serving.findings.rule import LIST, Hits, Rule
from serving.findings.words import reason


def _classified(case: Case) -> Hits:
    """One finding per write-off; the words are made once for each combination of what they say."""
    c, triage = case.columns, case.view.triage
    parts = (triage.category, triage.family, triage.remedy, triage.why, triage.in_scope, c["group_code"], c["carc"], c["rarcs"])
    first, place = distinct([np.asarray(part, dtype=np.int64) for part in (*parts, c["adjustment_code"])])
    words = [_words(case, row) for row in first.tolist()]
    hits = Hits()
    hits.add_all(range(len(case)), c["writeoff_amount"].tolist(), (words[i] for i in place.tolist()))
    return hits


def _words(case: Case, row: int) -> str:
    triage, c, vocabulary = case.view.triage, case.columns, case.ledger.vocabulary
    group, carc, remarks, own = (vocabulary.word(name, int(c[name][row])) for name in ("group_code", "carc", "rarcs", "adjustment_code"))
    category, family = CATEGORIES[triage.category[row]], FAMILIES[triage.family[row]]
    said = [reason(group, carc), *([f"remarks {remarks}"] if remarks else []), *([f"adjustment code {own}"] if own else [])]
    known = case.codes.carc(carc) if carc else None
    meaning = f" ({known.meaning})" if known is not None and known.meaning else ""
    remedy = REMEDIES[triage.remedy[row]].replace("_", " ")
    told = f"{category.replace('_', ' ')}, {family.replace('_', ' ')}: {', '.join(said)}{meaning}"
    if triage.in_scope[row]:
        return f"{told}; do: {remedy}"
    return f"{told}; {triage.whys[int(triage.why[row])]}"


RULES = (
    Rule(
        "classified",
        "classification",
        "info",
        "Every write-off has one category, family and remedy by group, reason, remarks, own code and amounts.",
        "docs/rules.md, what a row is",
        _classified,
        (),
        LIST,
    ),
)
