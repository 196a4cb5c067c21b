"""A blinded sample of claims for a person to judge, and what their judgement says of the audit's precision."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.money import NULL, format_cents
from serving.findings.case import Case
from serving.findings.rates import share_interval
from serving.findings.rule import LIST
from serving.findings.table import Findings
from serving.findings.words import day

SIZE = 30
CONTROLS = 10
"""Of the sample so many write-offs are without a finding: who judges cannot tell which."""

COLUMNS = (
    "writeoff_id", "claim_id", "line_number", "payer_id", "procedure_code", "service_date", "remit_date", "writeoff_date", "billed_amount",
    "allowed_amount", "paid_amount", "patient_responsibility_amount", "writeoff_amount", "group_code", "carc", "rarcs", "adjustment_code",
    "remit_file", "remit_segment",
)  # fmt: skip
ANSWER, NOTE = "is_this_posting_wrong (yes/no)", "note"


def draw(case: Case, findings: Findings) -> list[dict[str, Any]]:
    """Return the sample: twenty write-offs with a finding, one of each rule in turn, ten without, in an order that tells nothing.

    Which ones is fixed by their ids and the day, so the same audit draws the same sample; nobody picks.
    """
    seed = str(np.datetime64(case.as_of, "D"))
    ids = case.columns["writeoff_id"]

    def order(row: int) -> str:
        return hashlib.sha256(f"{seed}|{ids[row]}".encode()).hexdigest()

    accused: dict[int, str] = {}
    pools: list[list[tuple[str, int]]] = []
    for number, rule in enumerate(findings.rules):
        own = {int(r) for r in findings.row[findings.rule == number].tolist() if r >= 0}
        if rule.kind != LIST and own:
            pools.append([(rule.id, row) for row in sorted(own, key=order)[: SIZE - CONTROLS]])
    while any(pools) and len(accused) < SIZE - CONTROLS:
        for pool in pools:
            while pool:
                rule_id, row = pool.pop(0)
                if row not in accused:
                    if len(accused) < SIZE - CONTROLS:
                        accused[row] = rule_id
                    break
    flagged = {int(r) for n, rule in enumerate(findings.rules) if rule.kind != LIST for r in findings.row[findings.rule == n].tolist()}
    clean = [row for row in np.flatnonzero(case.is_live).tolist() if row not in flagged]
    controls = sorted(clean, key=order)[:CONTROLS] if len(clean) <= 20_000 else sorted(clean[:: len(clean) // 20_000], key=order)[:CONTROLS]
    rows = sorted([*accused, *controls], key=lambda row: order(row)[::-1])
    return [{"sample": i, "row": row, "rule": accused.get(row), "cells": _cells(case, row)} for i, row in enumerate(rows, start=1)]


def _cells(case: Case, row: int) -> dict[str, str]:
    cells: dict[str, str] = {}
    for name in COLUMNS:
        value = case.columns[name][row]
        if name.endswith("_amount"):
            cells[name] = "" if value == NULL else format_cents(int(value))
        elif name.endswith("_date"):
            cells[name] = "" if value == NULL else day(int(value))
        elif isinstance(value, np.int64):
            cells[name] = "" if value == NULL else str(int(value))
        elif isinstance(value, np.integer):
            cells[name] = case.ledger.vocabulary.word(name, int(value)) or ""
        else:
            cells[name] = value or ""
    return cells


def judge(answers: Mapping[str, str], sample: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return precision with Wilson's 95 % interval from answers by write-off id; None while fewer than ten were given.

    Examples
    --------
    >>> sample = [{"rule": "duplicate_posting", "cells": {"writeoff_id": str(i)}} for i in range(12)]
    >>> told = judge({str(i): "yes" if i else "no" for i in range(12)}, sample)
    >>> told["precision"], told["interval"], told["answered"]
    (0.9167, [0.6461, 0.9851], 12)
    """
    said = {key: text.strip().lower() for key, text in answers.items()}
    told = [(one["rule"], said.get(one["cells"]["writeoff_id"], "")) for one in sample]
    told = [(rule, text) for rule, text in told if text in ("yes", "y", "no", "n")]
    if len(told) < 10:
        return None
    accused = [text.startswith("y") for rule, text in told if rule is not None]
    missed = [text.startswith("y") for rule, text in told if rule is None]
    low, high = share_interval(sum(accused), len(accused))
    return {
        "answered": len(told),
        "precision": round(sum(accused) / len(accused), 4) if accused else None,
        "interval": [round(low, 4), round(high, 4)],
        "wrong_without_a_finding": sum(missed),
        "without_a_finding": len(missed),
    }
