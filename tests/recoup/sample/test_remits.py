"""The 835 files: they balance, they agree with the ledger to the cent, and later ones tell the outcomes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.recoup.sample.rows import Row, cents, read_rows


@dataclass
class Line:
    """One SVC with what follows it; adjustments keep the number of their CAS segment."""

    segment: int
    billed: int
    paid: int
    control: str = ""
    rarcs: list[str] = field(default_factory=list)
    adjustments: list[tuple[int, str, str, int]] = field(default_factory=list)


@dataclass
class Claim:
    """One CLP with its lines."""

    elements: list[str]
    lines: list[Line] = field(default_factory=list)


@dataclass
class Payment:
    """One ST with its claims and what was held back."""

    day: str
    total: int
    claims: list[Claim] = field(default_factory=list)
    holdings: list[tuple[str, int]] = field(default_factory=list)


def read_payments(path: Path) -> list[Payment]:
    """Read a file of the sample by splitting alone; the counts in its envelopes are checked on the way."""
    segments = [segment.split("*") for segment in path.read_text("ascii").replace("\n", "").split("~")[:-1]]
    tags = [segment[0] for segment in segments]
    assert len("*".join(segments[0])) == 105 and tags[0] == "ISA" and tags[1] == "GS" and tags[-2:] == ["GE", "IEA"]
    assert segments[-2][1:] == [str(tags.count("ST")), segments[1][6]] and segments[-1][1:] == ["1", segments[0][13]]
    payments: list[Payment] = []
    begin = 0
    for number, e in enumerate(segments, start=1):
        match e[0]:
            case "ST":
                begin = number
            case "BPR":
                payments.append(Payment(e[16], cents(e[2])))
            case "CLP":
                payments[-1].claims.append(Claim(e))
            case "SVC":
                payments[-1].claims[-1].lines.append(Line(number, cents(e[2]), cents(e[3])))
            case "CAS":
                line = payments[-1].claims[-1].lines[-1]
                line.adjustments += [(number, e[1], e[i], cents(e[i + 1])) for i in range(2, len(e), 3)]
            case "REF" if e[1] == "6R":
                payments[-1].claims[-1].lines[-1].control = e[2]
            case "LQ":
                payments[-1].claims[-1].lines[-1].rarcs.append(e[2])
            case "PLB":
                payments[-1].holdings += [(e[i], cents(e[i + 1])) for i in range(3, len(e), 2)]
            case "SE":
                assert int(e[1]) == number - begin + 1
    return payments


def is_balanced(payment: Payment) -> bool:
    paid = sum(cents(claim.elements[4]) for claim in payment.claims)
    for claim in payment.claims:
        taken = sum(a[3] for line in claim.lines for a in line.adjustments)
        if cents(claim.elements[3]) - taken != cents(claim.elements[4]):
            return False
        if sum(line.paid for line in claim.lines) != cents(claim.elements[4]):
            return False
    return paid - sum(amount for _, amount in payment.holdings) == payment.total


def lines_out_of_balance(payment: Payment) -> list[int]:
    lines = [line for claim in payment.claims for line in claim.lines]
    return [line.segment for line in lines if line.billed - sum(a[3] for a in line.adjustments) != line.paid]


@pytest.fixture(scope="module")
def remits(sample: Path) -> dict[str, list[Payment]]:
    return {path.name: read_payments(path) for path in sorted((sample / "remits").iterdir())}


@pytest.fixture(scope="module")
def ledger(sample: Path) -> list[Row]:
    return read_rows(sample / "writeoffs.csv")


def test_claims_and_payments_balance_and_lines_do_but_for_the_planted_ones(sample: Path, remits: dict[str, list[Payment]]) -> None:
    assert all(is_balanced(payment) for payments in remits.values() for payment in payments)
    planted = {(row["file"], int(row["segment"])) for row in read_rows(sample / "defects.csv") if row["rule"] == "unbalanced_remit"}
    found = {(name, segment) for name, payments in remits.items() for payment in payments for segment in lines_out_of_balance(payment)}
    assert found == planted and planted


def test_every_posting_from_a_remit_is_there_with_group_code_amount_and_remark(
    sample: Path, remits: dict[str, list[Payment]], ledger: list[Row]
) -> None:
    by_line = {
        (name, line.control): (payment, claim, line)
        for name, payments in remits.items()
        for payment in payments
        for claim in payment.claims
        for line in claim.lines
    }
    planted = defaultdict(set)
    for defect in read_rows(sample / "defects.csv"):
        planted[defect["rule"]].add(defect["writeoff_id"])
    hidden = planted["contractual_posted_on_denial"]
    apart = planted["missing_remit_support"] | planted["provider_liability_as_patient_debt"] | planted["posted_more_than_remit"]
    taken: Counter[tuple[str, str, str, int]] = Counter()
    for row in ledger:
        if row["writeoff_id"] in planted["missing_remit_support"]:
            assert not row["remit_file"] and row["carc"]
        if row["writeoff_id"] in apart:
            continue
        assert bool(row["remit_file"]) == bool(row["carc"]) == bool(row["remit_segment"]) == bool(row["balanced"])
        if not row["carc"]:
            continue
        control = f"{row['claim_id']}-{row['line_number']}"
        payment, claim, line = by_line[row["remit_file"], control]
        assert claim.elements[1] == row["claim_id"] and claim.elements[7] == row["payer_claim_number"]
        assert payment.day == row["remit_date"].replace("-", "")
        assert " ".join(line.rarcs) == row["rarcs"]
        assert line.paid == cents(row["paid_amount"])
        assert line.billed - cents(row["billed_amount"]) == (100 if row["balanced"] == "false" else 0)
        amount = abs(cents(row["writeoff_amount"]))
        said = [(group, carc) for segment, group, carc, size in line.adjustments if (segment, size) == (int(row["remit_segment"]), amount)]
        if row["writeoff_id"] in hidden:
            assert said and (row["group_code"], row["carc"]) not in said
        else:
            assert (row["group_code"], row["carc"]) in said
        taken[row["remit_file"], control, row["carc"], amount] += 1 if row["writeoff_amount"][0] != "-" else -1
    copies = {row["writeoff_id"] for row in read_rows(sample / "defects.csv") if row["rule"] == "duplicate_posting"}
    assert sum(count > 1 for count in taken.values()) == len(copies)


def test_files_are_neither_tiny_nor_thousands(remits: dict[str, list[Payment]]) -> None:
    assert 50 < len(remits) < 400


@pytest.mark.parametrize("folder", ["remits", "later_remits"])
def test_files_pass_the_rules_of_another_validator(sample: Path, tmp_path: Path, folder: str) -> None:
    # Copies, as it writes acknowledgements beside what it reads.
    files = [Path(shutil.copy(path, tmp_path)) for path in sorted((sample / folder).iterdir())[::30]]
    call = [sys.executable, "-W", "ignore", "-m", "pyx12.scripts.x12valid", "-q", *map(str, files)]
    said = subprocess.run(call, capture_output=True, text=True, check=False)
    # pyx12 4.0 logs that it cannot write an acknowledgement of an 835, which has none; its verdict stands beside the file name.
    verdicts = [line for line in (said.stdout + said.stderr).splitlines() if ".835:" in line]
    assert len(verdicts) == len(files) > 3 and all(line.endswith(": OK") for line in verdicts), said.stderr


def test_names_and_member_ids_stand_only_in_the_remits(sample: Path) -> None:
    text = "".join(path.read_text() for path in (sample / "remits").iterdir())
    assert "NM1*QC*1*" in text and "SAMPLEWORTH" in text
    tables = "".join(path.read_text() for path in sample.glob("*.csv"))
    assert "SAMPLEWORTH" not in tables and "CLINICIAN" not in tables


def test_later_remits_balance_and_reverse_exactly_what_stood(sample: Path, remits: dict[str, list[Payment]]) -> None:
    stands = {claim.elements[1]: claim for payments in remits.values() for payment in payments for claim in payment.claims}
    payments = [payment for path in (sample / "later_remits").iterdir() for payment in read_payments(path)]
    pairs = 0
    for payment in sorted(payments, key=lambda one: one.day):
        assert is_balanced(payment) and not lines_out_of_balance(payment) and payment.total >= 0
        for claim in payment.claims:
            before = stands[claim.elements[1]]
            if claim.elements[2] != "22":
                stands[claim.elements[1]] = claim
                continue
            pairs += 1
            assert claim.elements[7] == before.elements[7]
            assert [cents(e) for e in claim.elements[3:5]] == [-cents(e) for e in before.elements[3:5]]
            assert [adjusted(line, -1) for line in claim.lines] == [adjusted(line, 1) for line in before.lines]
    assert pairs > 100


def adjusted(line: Line, sign: int) -> list[tuple[str, str, int]]:
    return [(group, carc, sign * size) for _, group, carc, size in line.adjustments]


def test_later_remits_pay_what_the_true_outcomes_say_and_take_back_the_same(sample: Path, ledger: list[Row]) -> None:
    by_id = {row["writeoff_id"]: row for row in ledger}
    won: dict[str, int] = defaultdict(int)
    back: dict[str, int] = defaultdict(int)
    for row in read_rows(sample / "true_outcomes.csv"):
        posted = by_id[row["writeoff_id"]]
        won[posted["claim_id"]] += cents(row["recovered_amount"])
        # What the practice posted by itself (bad debt) another payer pays, under a number of its own.
        back[("" if posted["carc"] else "9") + posted["payer_claim_number"]] += cents(row["taken_back_amount"])
    paid: dict[str, int] = defaultdict(int)
    held: dict[str, int] = defaultdict(int)
    for path in (sample / "later_remits").iterdir():
        for payment in read_payments(path):
            for claim in payment.claims:
                paid[claim.elements[1]] += cents(claim.elements[4])
            for reason, amount in payment.holdings:
                if reason.startswith("WO:"):
                    held[reason[3:]] += amount
    assert dict(paid) == {claim: amount for claim, amount in won.items() if amount}
    assert dict(held) == {number: amount for number, amount in back.items() if amount}
