"""A thousand packets of a synthetic practice: no placeholder left, every figure the row's, in Word and in PDF.

Run with ``make bench-packets``. It prints counts and CPU seconds, and ends with 1 when a packet has a fault.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from docx import Document as new_word
from pypdf import PdfReader

from features.errors import RecoupError
from features.tables import WRITEOFFS
from models.scorer import Scorer
from recoup.beside import Beside
from recoup.days import day_number
from recoup.inputs import Inputs
from recoup.progress import bars
from recoup.settings import Settings
from recoup.trial import use_tables
from serving.packet import Case, read_cases, write_packet
from serving.packet.document import TO_COMPLETE, Packet
from serving.packet.pdf import to_pdf
from serving.packet.proof import faults, strange_figures
from serving.packet.word import to_docx

END = date(2026, 11, 1)


def cases_of(folder: Path, rows: int) -> list[Case]:
    """Make a practice of some write-offs and read all its cases, priced by its contracts."""
    from recoup.sample.practice import write_sample

    chosen = Settings.read({"home": folder / "home"}, {}, folder=None)
    with bars() as shown:
        write_sample(folder, rows=rows, end=END, progress=shown.of("practice"))
        scorer = Scorer.prior()
        words = scorer.vocabulary.overlay()
        inputs = Inputs(chosen, mapping=None, rejects=None, today=END, bars=shown)
        ledger = inputs.read(folder / "writeoffs.csv", WRITEOFFS, words)
        names = ("contract_rates.csv", "payer_rules.csv", "writeoff_policies.csv")
        use_tables(scorer, inputs.beside(Beside(*(folder / name for name in names)), words))
    scorer.learn_usual(ledger, until=day_number(END))
    scores = scorer.score(ledger, as_of=day_number(END), reasons=0)
    return list(read_cases(scorer.viewer, ledger, scores, range(len(ledger))))


def packets_of(cases: list[Case], most: int) -> Iterator[tuple[Packet, list[Case]]]:
    """Give packets, and a project of every group of cases that belong together."""
    groups: dict[tuple[object, ...], list[Case]] = {}
    made = 0
    for case in cases:
        if made == most:
            break
        try:
            packet = write_packet(case)
        except RecoupError:
            continue
        made += 1
        row = case.row
        groups.setdefault((row.payer_id, row.client_id, row.group_code, row.carc, case.score.remedy), []).append(case)
        yield packet, [case]
    for group in groups.values():
        if len(group) > 1:
            yield write_packet(group), group


def files_faults(packet: Packet, cases: list[Case]) -> list[str]:
    """Return what is wrong in the files, read back as text."""
    found = []
    word = new_word(io.BytesIO(to_docx(packet.letter)))
    cells = [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    text = "\n".join([*(paragraph.text for paragraph in word.paragraphs), *cells])
    pdf = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(to_pdf(packet.letter))).pages)
    marks = sum(told.count(TO_COMPLETE) for told in packet.letter.texts())
    for name, content, flat in (("docx", text, text), ("pdf", pdf, " ".join(pdf.split()))):
        if "{" in content or "}" in content:
            found.append(f"{name}: a placeholder is unfilled")
        if strange_figures(flat, cases):
            found.append(f"{name}: a figure is not the row's")
    if text.count(TO_COMPLETE) != marks:
        found.append("docx: the identity block is not as written")
    return found


def main() -> int:
    """Write the packets and tell what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packets", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=3000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="recoup-packets-") as folder:
        cases = cases_of(Path(folder), asked.rows)
    kinds: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    amounts = projects = 0
    began = time.process_time()
    for packet, of in packets_of(cases, asked.packets):
        kinds[packet.kind] += len(of) == 1
        projects += len(of) > 1
        amounts += sum(text.count("$") for text in packet.letter.texts())
        wrong.update({*faults(packet, of), *files_faults(packet, of)})
    spent = time.process_time() - began
    print(f"{kinds.total()} packets and {projects} projects, written twice and read back, {spent:.0f} CPU seconds")
    print("by kind: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common() if count))
    print(f"{amounts} amounts, all looked up among those of their rows; faults: {wrong.total()} {dict(wrong) or ''}")
    return 1 if wrong or kinds.total() < asked.packets else 0


if __name__ == "__main__":
    sys.exit(main())
