"""The commands `packet` and `packet-templates`: the documentation of a reversal from files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.errors import BadData, CheckFailed, UsageError
from features.money import format_cents
from recoup.beside import Scored
from recoup.cli.apart import flags, keep_apart
from recoup.cli.options import Json, Model, from_file, parse_day, settings, to_folder, today, with_tables
from recoup.cli.scoring import load_scorer
from recoup.cli.telling import Teller, named
from recoup.days import day_number
from recoup.progress import bars
from recoup.trial import use_tables
from serving.access import DEFAULT_CLIENT

if TYPE_CHECKING:
    from features.batch import Batch
    from models.scores import Scores
    from recoup.settings import Settings
    from serving.packet import Case, Desk, Packet
    from serving.worklist.sight import Sight

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ENDINGS = (".docx", ".pdf", "-worksheet.pdf")
_AGREE = ("remedy", "category", "recoverable_amount", "underpayment_amount", "deadline_date", "deadline_source")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("packet")(packet)
    app.command("packet-templates")(packet_templates)


@with_tables
def packet(
    *,
    writeoff_ids: Annotated[list[str], typer.Argument(metavar="WRITEOFF_ID...", help="a write-off, or those of a project")],
    scored: Scored,
    out: Annotated[Path, to_folder("folder for the files")],
    is_project: Annotated[bool, typer.Option("--project", help="one letter for all, with a table of claims")] = False,
    attach: Annotated[list[Path] | None, from_file("file to enclose behind the letter; again for each", metavar="PDF")] = None,
    level: Annotated[
        int, typer.Option(min=1, max=5, help="level of appeal: above the first it contests the decision of the one below")
    ] = 1,
    decided_on: Annotated[
        date | None, typer.Option("--decided-on", parser=parse_day, metavar="DATE", help="day of the decision that a level above contests")
    ] = None,
    void: Annotated[bool, typer.Option("--void", help="a corrected claim takes the first one back: frequency 8")] = False,
    model: Model = "champion",
    as_json: Json = False,
) -> None:
    """Write the letter or sheet of a write-off (Word, PDF) and its worksheet; nothing is sent. A guard may forbid it: exit 1."""
    from recoup.inputs import Inputs
    from recoup.outcomes import prepare
    from serving.packet import Desk, Enclosure
    from serving.worklist.sight import Sight

    chosen = settings()
    if attach and len(writeoff_ids) > 1 and not is_project:
        raise UsageError("files are enclosed with one packet: name one write-off, or make a --project")
    if decided_on is not None and (level == 1 or decided_on > today()):
        raise UsageError(
            "--decided-on is a day up to today" if level > 1 else "--decided-on is of the level below: name the --level, which is above 1"
        )
    stems = [_stem(one, is_one=not is_project or len(writeoff_ids) == 1) for one in writeoff_ids]
    keep_apart(
        {**flags(scored), "--attach": attach},
        {"--out": [out / f"{stem}{ending}" for stem in stems for ending in _ENDINGS]},
    )
    told = _read_scores(scored.scores, writeoff_ids)
    day = date.fromisoformat(next(iter(told.values()))["as_of"])
    with bars() as shown:
        scorer = load_scorer(model, chosen)
        words = scorer.vocabulary.overlay()
        inputs = Inputs(chosen, mapping=scored.mapping, rejects=None, today=today(), bars=shown)
        ledger, lines = _read_ledger(inputs, scored.writeoffs, scored.remit_lines, words)
        if tables := inputs.beside(scored.beside, words):
            use_tables(scorer, tables)
        efforts = _read_outcomes(inputs, scored.outcomes, words)
        prepare(scorer, ledger, efforts, day_number(day))
        found = scorer.score(ledger, as_of=day_number(day), reasons=0)
        cases = _cases(scorer.viewer, ledger, found, lines, writeoff_ids, told, scored.scores.name)
        if level > 1:
            cases = _at_level(Sight(scorer.viewer, words), ledger, cases, level, decided_on)
    desk = Desk.at(chosen.home, chosen.identity_key)
    enclosures = [Enclosure(path.stem, path.read_bytes()) for path in attach or ()]
    titles = [enclosure.title for enclosure in enclosures]
    out.mkdir(parents=True, exist_ok=True)
    results = []
    for group in [cases] if is_project else [[case] for case in cases]:
        made = _write_packet(chosen, desk, group, titles, void)
        stem = _stem(made.writeoff_ids[0], is_one=len(group) == 1)
        contents = (desk.docx(made), desk.pdf(made, enclosures), desk.pdf(made, is_worksheet=True))
        files = {f"{stem}{ending}": content for ending, content in zip(_ENDINGS, contents, strict=True)}
        _write(out, files)
        results.append((made, [str(out / name) for name in files]))
    _tell(results, as_json)


def _write_packet(chosen: Settings, desk: Desk, cases: Sequence[Case], titles: Sequence[str], void: bool) -> Packet:
    """Write one packet; what the vault tells is in the access log before any of it is given away."""
    from recoup.identity import opened_gate, operator

    if desk.vault is None:
        return desk.write(cases, subject=operator().subject, log=lambda _: None, attachments=titles, void=void)
    who, read = operator(cases[0].row.client_id or DEFAULT_CLIENT), list[str]()
    with opened_gate(chosen) as gate, gate.store.write() as unit:
        made = desk.write(cases, subject=who.subject, log=lambda told: read.append(told.patient_id), attachments=titles, void=void)
        gate.log.tell(unit, who, "identity.read", read)
    return made


def file_stem(writeoff_id: str) -> str:
    """Return how files of a write-off are called: its id where that is a plain name, else a hash of it.

    >>> file_stem("W0001234"), file_stem("../W 1")
    ('W0001234', 'writeoff-a036b090e01f')
    """
    if _SAFE.fullmatch(writeoff_id):
        return writeoff_id
    return f"writeoff-{hashlib.sha256(writeoff_id.encode()).hexdigest()[:12]}"


def _stem(writeoff_id: str, *, is_one: bool) -> str:
    return file_stem(writeoff_id) if is_one else f"project-{file_stem(writeoff_id)}"


def _read_scores(path: Path, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the rows of some write-offs as texts."""
    import csv

    import pyarrow.parquet as pq

    wanted = set(ids)
    if path.name.lower().endswith(".parquet"):
        rows: Any = pq.read_table(path).to_pylist()
    else:
        import gzip

        opened = gzip.open if path.name.lower().endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    if rows and not {"writeoff_id", "as_of", *_AGREE} <= set(rows[0]):
        raise BadData(f"{path.name} is no table of scores: `recoup score --out` writes one")
    found = {str(row["writeoff_id"]): {key: "" if value is None else str(value) for key, value in row.items()} for row in rows}
    found = {key: row for key, row in found.items() if key in wanted}
    missing = [key for key in ids if key not in found]
    if missing:
        raise BadData(
            f"{path.name} has no score of {', '.join(missing[:5])}" + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        )
    if len({row["as_of"] for row in found.values()}) > 1:
        raise BadData(f"{path.name} holds scores of several days: score the ledger anew")
    return found


def _read_ledger(inputs: Any, writeoffs: Path, remit_lines: Path | None, words: Any) -> tuple[Batch, Batch | None]:
    from features.tables import REMIT_LINES, WRITEOFFS

    ledger = inputs.read(writeoffs, WRITEOFFS, words)
    return ledger, None if remit_lines is None else inputs.read(remit_lines, REMIT_LINES, words)


def _read_outcomes(inputs: Any, outcomes: Path | None, words: Any) -> Batch | None:
    from features.tables import OUTCOMES

    return None if outcomes is None else inputs.read(outcomes, OUTCOMES, words)


def _cases(
    viewer: Any, ledger: Batch, scores: Scores, lines: Batch | None, ids: Sequence[str], told: dict[str, dict[str, str]], name: str
) -> list[Case]:
    """Read the cases, and see that the scores say the same: a letter must not differ from the queue."""
    from serving.packet import read_cases

    place = {key: row for row, key in enumerate(ledger.columns["writeoff_id"].tolist())}
    missing = [key for key in ids if key not in place]
    if missing:
        raise BadData(f"the ledger has no write-off {named(missing)}")
    cases = list(read_cases(viewer, ledger, scores, [place[key] for key in ids], remit_lines=lines))
    for case in cases:
        now = {
            "remedy": case.score.remedy,
            "category": case.score.category,
            "recoverable_amount": _money(case.score.recoverable_amount),
            "underpayment_amount": _money(case.score.underpayment_amount),
            "deadline_date": case.due.day.isoformat() if case.due is not None else "",
            "deadline_source": case.due.source if case.due is not None else told[case.row.writeoff_id]["deadline_source"],
        }
        row = told[case.row.writeoff_id]
        differing = [key for key in _AGREE if row[key] != now[key]]
        if differing:
            words = "; ".join(f"{key} {row[key] or 'blank'} there, {now[key] or 'blank'} here" for key in differing)
            raise CheckFailed(
                f"{case.row.writeoff_id}: {name} and the files at hand differ ({words}): give the same --model, --contracts, "
                "--payer-rules, --policies and --outcomes that it was scored with, or score anew"
            )
    return cases


def _at_level(sight: Sight, ledger: Batch, cases: Sequence[Case], level: int, decided_on: date | None) -> list[Case]:
    """Return cases at a level above the first, as the queue would have them: the last day counts from the decision, or is not known."""
    import numpy as np

    from serving.packet.stored import as_queued
    from serving.store.rows import rows_of
    from serving.worklist.item import Item, State, Worth

    place = {key: row for row, key in enumerate(ledger.columns["writeoff_id"].tolist())}
    found = []
    for case in cases:
        remedy, last, source = case.score.remedy, None, None
        if decided_on is not None:
            posting = rows_of(ledger.take(np.array([place[case.row.writeoff_id]])))
            last, source = sight.next_deadline(posting, remedy, level, decided_on)
        held = Item(DEFAULT_CLIENT, case.row.writeoff_id, remedy, Worth(case.row.payer_id), state=State.NEXT_LEVEL, level=level)
        found.append(as_queued(case, replace(held, decided_on=decided_on, next_deadline_on=last, next_deadline_source=source)))
    return found


def _money(cents: int | None) -> str:
    return "" if cents is None else format_cents(cents)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    from features.intake.output import put_file

    for name, content in files.items():
        put_file(folder / name, content)


def _tell(results: list[tuple[Packet, list[str]]], as_json: bool) -> None:
    from serving.packet.fields import sources_of

    tell = Teller(as_json=as_json)
    tell.json(
        [
            {
                "writeoff_ids": list(made.writeoff_ids),
                "kind": made.kind,
                "status": made.status,
                "missing": list(made.missing),
                "files": files,
                # Who the patient is stands in the files alone.
                "sentences": [
                    {"fields": list(told.fields), "columns": list(sources_of(told.fields))}
                    | ({} if "patient_id" in told.fields else {"text": told.text})
                    for told in made.letter.trace()
                ],
            }
            for made, files in results
        ]
    )
    for made, files in results:
        tell.line(f"{made.kind.replace('_', ' ')} of {', '.join(made.writeoff_ids[:5])}: {made.status}; {', '.join(files)}")
        tell.lines(f"  to do: {what}" for what in made.missing)


def packet_templates(out: Annotated[Path, to_folder("folder for the copies")]) -> None:
    """Copy the Word templates and the words of every kind, to be edited and put into RECOUP_HOME/packets."""
    from importlib.resources import files

    from serving.packet.kinds import KINDS

    out.mkdir(parents=True, exist_ok=True)
    room = files("serving.packet")
    copies = {f"{kind}.docx": room.joinpath("templates", f"{kind}.docx").read_bytes() for kind in (*KINDS, "worksheet")}
    copies |= {f"{kind}.toml": room.joinpath("letters", f"{kind}.toml").read_bytes() for kind in KINDS}
    _write(out, copies)
    Teller().line(f"{len(copies)} files in {out}; what is put into RECOUP_HOME/packets stands over what ships")
