"""Cases written by hand: one of each kind of packet, and a ledger whose cases are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from features.batch import Batch
from features.guards import Refusal, refusals
from features.intake.records import read_records
from features.tables import CONTRACT_RATES, WRITEOFFS
from features.view import Practice, Viewer
from features.vocabulary import Vocabulary
from models.scorer import Scorer
from serving.packet import Case, Row, Score, read_cases
from serving.packet.case import Code, Computation, Due, Remit, Step

AS_OF = date(2026, 11, 1)
REMEDY_OF_KIND = {
    "appeal": ("appeal", "denial", "timely_filing"),
    "corrected_claim": ("corrected_claim", "denial", "bundling"),
    "reopening": ("reopening", "denial", "coding"),
    "cob_facts": ("rebill_other_payer", "denial", "cob"),
    "records_list": ("send_records", "denial", "documentation"),
    "underpayment": ("contract_dispute", "underpayment", "contractual"),
    "refund": ("compliance_review", "overpayment_owed", "contractual"),
    "ledger_correction": ("posting_correction", "posting_error", "contractual"),
}


def a_case(kind: str = "appeal", *, guards: Sequence[Refusal] = (), remedy: str = "", **columns: Any) -> Case:
    """A case of a kind; other columns of its row as given."""
    own, category, family = REMEDY_OF_KIND[kind]
    given: dict[str, Any] = {
        "writeoff_id": "W1",
        "payer_id": "P7",
        "payer_type": "commercial",
        "client_id": "default",
        "claim_id": "C100",
        "line_number": 2,
        "payer_claim_number": "ICN900",
        "patient_id": "pt_00112233445566aa",
        "claim_type": "professional",
        "procedure_code": "10021",
        "modifiers": "RT",
        "units": 2.0,
        "service_date": date(2026, 1, 5),
        "submitted_date": date(2026, 2, 6),
        "remit_date": date(2026, 3, 7),
        "writeoff_date": date(2026, 4, 8),
        "billed_amount": 500_00,
        "allowed_amount": 211_10,
        "paid_amount": 200_00,
        "patient_responsibility_amount": 11_10,
        "writeoff_amount": 288_90,
        "next_payer_id": "P8",
        "group_code": "CO",
        "carc": "29",
        "rarcs": "N211",
        "timely_proof_on_file": True,
        "records_on_file": False,
    }
    steps: tuple[Step, ...] = (Step("Rate", "$130.00", 130_00), Step("Units", "2"), Step("Contract price of the line", "$260.00", 260_00))
    steps += (Step("Allowed by the payer", "$211.10", 211_10), Step("Allowed too little", "$48.90", 48_90))
    return Case(
        row=Row(**given | columns),
        score=Score(
            category=category,
            family=family,
            remedy=remedy or own,
            recoverable_amount=48_90,
            underpayment_amount=48_90,
            usual_allowed_amount=None,
            expected_recovery=21_07,
            as_of=AS_OF,
            model_version="prior",
        ),
        next_step="Do what is asked.",
        why="The payer denied it.",
        carc=Code("29", "time limit for filing"),
        rarcs=(Code("N211", "no appeal"),),
        due=Due(date(2026, 12, 5), "statute", "120 days from receipt.", "42 CFR 405.942"),
        guards=tuple(guards),
        contract=Computation("K1", "contract K1, fee schedule for procedure 10021", 12, steps, 260_00, 48_90),
        remits=(Remit(date(2026, 3, 7), "CO", "29", "N211", 288_90, 200_00), Remit(date(2026, 3, 7), "PR", "2", None, 11_10, 200_00)),
    )


def one_of_each_kind() -> dict[str, Case]:
    """A case for every kind."""
    return {kind: a_case(kind) for kind in REMEDY_OF_KIND}


def guards(bits: int, asked: int = 0) -> tuple[Refusal, ...]:
    """What the guards' bits say."""
    return refusals(bits, asked)


def moved(case: Case, number: int) -> Case:
    """The same case on another claim."""
    row = replace(case.row, writeoff_id=f"W{number}", claim_id=f"C{number}", payer_claim_number=f"ICN{number}")
    return replace(case, row=replace(row, patient_id=f"pt_{number:016x}", service_date=date(2026, 1, 1 + number % 28)))


def read_ledger(records: Sequence[dict[str, Any]], rates: Sequence[dict[str, Any]] = (), day: date = AS_OF) -> list[Case]:
    """The cases of write-offs given as records, priced by contract rates."""
    words = Vocabulary(Scorer.prior().viewer.practice.codes.seed_words())
    scorer = Scorer.prior(words)
    overlay = words.overlay()
    batch = _read(records, WRITEOFFS, overlay)
    if rates:
        practice = Practice(scorer.viewer.practice.codes, contracts=_read(rates, CONTRACT_RATES, overlay))
        scorer.viewer = Viewer(practice, scorer.viewer.usual, scorer.viewer.history)
    scores = scorer.score(batch, as_of=(day - date(1970, 1, 1)).days, reasons=0)
    return list(read_cases(scorer.viewer, batch, scores, range(len(batch))))


def _read(records: Sequence[dict[str, Any]], table: Any, words: Vocabulary) -> Batch:
    read = read_records(records, table, vocabulary=words)
    assert not read.rejects, read.rejects
    return read.batch


def project(kind: str, count: int) -> list[Case]:
    """Cases that belong together."""
    return [moved(a_case(kind), number) for number in range(1, count + 1)]


def pdf_text(content: bytes) -> str:
    """The text of a PDF, page by page."""
    import io

    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def docx_text(content: bytes) -> str:
    """The text of a Word file, tables and foot included."""
    import io

    from docx import Document

    word = Document(io.BytesIO(content))
    texts = [paragraph.text for paragraph in word.paragraphs]
    texts += [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    return "\n".join([*texts, *(paragraph.text for section in word.sections for paragraph in section.footer.paragraphs)])


def own_file(folder: Path, name: str, text: str) -> Path:
    """A file of the practice's own."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder
