"""Every rule of the audit has cases that it finds and cases that it leaves alone; the cases are the documentation (docs/findings.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from features.batch import Batch
from features.codes.tables import Codes
from features.intake.remits.export import write_candidates
from features.intake.remits.import_ import import_remits
from features.intake.table_file import read_table
from features.money import NULL, format_cents, parse_cents
from features.tables import CONTRACT_RATES, GROUP_CODES, WRITEOFF_POLICIES, WRITEOFFS
from models.scorer import Scorer
from recoup.trial import use_tables
from serving.findings.audit import audit, look
from serving.findings.case import Case
from serving.findings.remits import Remits
from serving.findings.rule import SEVERITIES
from serving.findings.rules import BY_ID, RULES
from tests.features.intake.remits.writer import Claim, Line, Remit, encode, interchange
from tests.spec.findings_page import CASES, findings_page
from tests.spec.tables import cases
from tests.spec.writeoffs import day, table, writeoffs

AS_OF = day("2026-07-01")
PLAIN = {
    "claim_id": "C1", "line_number": 1, "procedure_code": "99213", "service_date": "2026-05-01", "payer_id": "ACME", "client_id": "default",
    "claim_type": "professional",
}  # fmt: skip
Told = Mapping[str, str]


def parts(text: str) -> tuple[str, dict[str, str]]:
    """Return the head and the `name=value` words behind it."""
    head, *rest = (piece.strip() for piece in text.split(";"))
    if "=" in head:
        head, rest = "", [head, *rest]
    return head, dict(piece.split("=", 1) for piece in rest if piece)


def ledger_row(text: str) -> dict[str, object]:
    head, more = parts(text)
    words = head.split()
    said: dict[str, object] = {}
    if words[0] in GROUP_CODES:
        said = {"group_code": words[0], "carc": words[1], "writeoff_amount": words[2]}
    else:
        said = {"adjustment_code": words[0], "writeoff_amount": words[1]}
    return PLAIN | {"remit_date": "2026-05-15"} | said | more


def remit_files(text: str, folder: Path) -> None:
    """Write one file for each payer and day of a cell."""
    remits: dict[tuple[str, str], Remit] = {}
    for piece in text.split(" / "):
        head, more = parts(piece)
        key = more.get("payer", "ACME"), more.get("day", "2026-05-15").replace("-", "")
        if "plb" in more:
            reference, cents = more["plb"].split()
            last = list(remits)[-1]
            remits[last] = replace(remits[last], plb=(*remits[last].plb, (reference, parse_cents(cents))))
            continue
        charge, said = head.split(":")
        triplets = tuple((g, c, parse_cents(a)) for g, c, a in (one.split() for one in said.split(",")))
        rarcs = (more["rarc"],) if "rarc" in more else ()
        line = Line(parse_cents(charge), triplets, day="20260501", control="C1-1", rarcs=rarcs)
        claim = Claim((line,), name="C1", icn="I1", status="1" if key[0] == "ACME" else "2")
        known = remits.get(key, Remit(day=key[1], payer=key[0], trace=f"T{len(remits)}"))
        remits[key] = replace(known, claims=(*known.claims, claim))
    for number, ((_, on), remit) in enumerate(remits.items()):
        segments = interchange([remit], number + 1, on)
        _, more = parts(text.split(" / ")[0])
        if "paid" in more:
            at = next(i for i, segment in enumerate(segments) if segment.startswith("SVC"))
            elements = segments[at].split("*")
            elements[3] = more["paid"]
            segments[at] = "*".join(elements)
        (folder / f"{number}.835").write_bytes(encode(segments))


def beside(text: str, scorer: Scorer, batch: Batch) -> None:
    """Give the scorer the contract or the policies of a case."""
    word, _, value = text.partition("=")
    words = batch.vocabulary
    if word == "price":
        row = {"payer_id": "ACME", "procedure_code": "99213", "effective_from": "2020-01-01", "value": value}
        use_tables(scorer, {"contracts": table(CONTRACT_RATES, [row | {"method": "fee_schedule", "unit_basis": "unit"}], words)})
    elif word == "policy":
        code, limit, *rest = value.split()
        row = {"client_id": "default", "adjustment_code": code, "category": "policy", "max_amount": limit, "effective_from": "2020-01-01"}
        use_tables(scorer, {"policies": table(WRITEOFF_POLICIES, [row | ({"approval_over": rest[1]} if rest else {})], words)})


def case_of(told: Told, folder: Path) -> Case:
    """Return the case that a row of the table describes."""
    scorer = Scorer.prior()
    words = scorer.vocabulary.overlay()
    remits = None
    if told["remit"]:
        remit_files(told["remit"], folder)
        found = import_remits([folder], today=date(2026, 7, 1))
        remits = Remits(found.remits, found.chains, found.issues)
        if told["with"] == "candidates":
            write_candidates(folder / "candidates.csv", found.candidates)
            batch = read_table(folder / "candidates.csv", WRITEOFFS, vocabulary=words).batch
            return look(batch, scorer=scorer, as_of=AS_OF, remits=remits, is_ledger=False)
    rows: Sequence[Mapping[str, object]] = [ledger_row(piece) for piece in told["ledger"].split(" / ")]
    if told["with"].startswith("usual="):
        usual = told["with"].removeprefix("usual=")
        same = {"billed_amount": "200", "allowed_amount": usual, "writeoff_amount": format_cents(20_000 - parse_cents(usual))}
        rows = [*rows, *({**PLAIN, "group_code": "CO", "carc": "45", "claim_id": f"U{i}", **same} for i in range(40))]
    batch = writeoffs(*rows, vocabulary=words)
    beside(told["with"], scorer, batch)
    scorer.learn_usual(batch, until=AS_OF)
    return look(batch, scorer=scorer, as_of=AS_OF, remits=remits)


@pytest.mark.parametrize("told", list(cases(CASES)), ids=lambda told: f"{told['rule']}: {told['because']}")
def test_a_rule_finds_what_it_says_and_nothing_else(told: Told, tmp_path: Path) -> None:
    case = case_of(told, tmp_path)
    rule = BY_ID[told["rule"]]
    found = audit(case, rules=(rule,))
    rows = found.findings.row
    cents = found.findings.cents[(rows < 0) | (rows < len(told["ledger"].split(" / ")) if told["with"].startswith("usual=") else True)]
    expected = [] if told["finds"] == "nothing" else [NULL if w == "unknown" else parse_cents(w) for w in told["finds"].split(" and ")]
    assert sorted(cents.tolist()) == sorted(expected), found.findings.evidence
    assert all(found.findings.evidence)
    if told["remit"] and expected and rule.id != "missing_remit_support":
        assert all(found.findings.file) and (found.findings.segment != NULL).all()


def test_every_rule_has_a_case_that_it_finds_and_one_that_it_leaves_alone() -> None:
    told = list(cases(CASES))
    assert {one["rule"] for one in told} == {rule.id for rule in RULES}
    for rule in RULES:
        finds = {one["finds"] == "nothing" for one in told if one["rule"] == rule.id}
        assert finds == {True, False} or rule.id == "classified", rule.id


def test_a_rule_says_what_it_is() -> None:
    assert len(BY_ID) == len(RULES)
    for rule in RULES:
        assert rule.severity in SEVERITIES and rule.sentence.endswith(".") and rule.citation


def test_reasons_that_need_a_remark_are_those_of_the_table() -> None:
    codes = Codes.load()
    assert {code for code, one in codes.carcs.items() if one.rarc_required} >= {"16", "96", "226", "252"}
    assert np.all([codes.carcs[code].required_groups == ("OA",) for code in ("23", "18")])


def test_the_page_is_what_is_committed() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "findings.md"
    assert page.read_text() == findings_page(), "run `python -m tests.spec.findings_page > docs/findings.md`"
