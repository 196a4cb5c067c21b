"""Commands that make files out of nothing or out of 835s: `sample`, `import-remits`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import UsageError
from features.money import format_cents
from recoup.cli.apart import REJECTS, keep_apart
from recoup.cli.options import Json, MappingFile, as_there, from_file, parse_day, settings, to_file, to_folder, today
from recoup.cli.telling import Teller
from recoup.progress import bars

if TYPE_CHECKING:
    import pyarrow as pa

    from features.intake.remits.events import Outcomes
    from features.intake.remits.volume import ManyRemits


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("sample")(sample)
    app.command("import-remits")(import_remits)


def sample(
    out: Annotated[Path, to_folder("folder for the files")],
    rows: Annotated[int, typer.Option(min=1, help="number of write-offs")] = 60_000,
    seed: Annotated[int, typer.Option(min=0, help="which practice; same arguments, same bytes")] = 7,
    end: Annotated[date, typer.Option(parser=parse_day, metavar="DATE", help="the morning the files are drawn")] = date(2026, 11, 1),
    explore: Annotated[float, typer.Option(min=0, max=1, help="share of workable write-offs worked by lot")] = 0.03,
    truth: Annotated[bool, typer.Option("--truth", help="also write what nobody could know")] = False,
) -> None:
    """Write a synthetic practice: ledger, outcomes, contract rates, payer rules, policies and 835 files."""
    from recoup.sample.practice import write_sample

    with bars() as shown:
        write_sample(out, rows=rows, seed=seed, end=end, explore=explore, truth=truth, progress=shown.of("sample"))
    tell = Teller()
    tell.line(f"a practice of {rows:,} write-offs as of {end} is in {out}")
    tell.line(f"next: recoup train --writeoffs {out}/writeoffs.csv --outcomes {out}/outcomes.csv --as-of {end}")


def import_remits(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="835 files, tables of remit_lines, or folders of them",
            callback=as_there,
        ),
    ],
    out: Annotated[Path, to_file("table of write-off candidates, or of the joined ledger")],
    lines: Annotated[Path | None, to_file("table of every adjustment as the 835s say it")] = None,
    ledger: Annotated[Path | None, from_file("table of write-offs to join what the 835s say onto")] = None,
    issues: Annotated[Path | None, to_file("JSON lines of what was found wrong")] = None,
    outcomes: Annotated[Path | None, to_file("table of what later 835s brought, took back and refused")] = None,
    mapping: MappingFile = None,
    as_of: Annotated[
        date | None, typer.Option(parser=parse_day, metavar="DATE", help="outcomes as known on the morning of this day; default all")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read 835 files into write-off candidates, or join them onto a ledger."""
    from features.intake import mapping as mappings
    from features.intake.output import put_file, write_table
    from features.intake.pseudonyms import Pseudonyms, load_or_create_key
    from features.intake.remits.volume import import_many
    from recoup.inputs import KEY_FILE, rejects_beside
    from serving.batch.folder import batch_folder

    rejects = rejects_beside(out)
    written = {"--out": out, "--lines": lines, "--issues": issues, "--outcomes": outcomes, REJECTS: rejects}
    folders = [path for path in paths if path.is_dir()]
    keep_apart({"PATH": [path for path in paths if path not in folders], "--ledger": ledger, "--mapping": mapping}, written)
    keep_apart({"PATH": folders}, {name: path for name, path in written.items() if path is not None and not _is_written_here(path)})
    if lines is not None and str(lines) != "-" and any(lines.resolve().is_relative_to(folder.resolve()) for folder in folders):
        raise UsageError(f"--lines names a file of the folder that PATH reads, {lines}: next time it would be read too; name another one")
    identity = Pseudonyms(load_or_create_key(settings().home / KEY_FILE)) if ledger else None
    names = mappings.load(mapping) if mapping else None
    with bars() as shown, batch_folder(settings().home, None) as folder:
        found = import_many(
            paths,
            folder=folder,
            but=[path for path in (*written.values(), ledger, mapping) if path is not None],
            mapping=names,
            progress=shown.of("remits"),
            today=today(),
            ledger=ledger,
            identity=identity,
            has_lines=lines is not None,
            has_outcomes=outcomes is not None,
            as_of=as_of,
        )
        rows = _write_rows(out, found.candidates())
        if lines is not None:
            _write_rows(lines, found.lines())
    later = found.outcomes
    if issues is not None:
        put_file(issues, "".join(json.dumps(asdict(issue)) + "\n" for issue in found.issues))
    if outcomes is not None and later is not None:
        write_table(outcomes, later.columns)
    if rejects is not None and found.rejects:
        write_table(
            rejects, {name: [getattr(reject, name) for reject in found.rejects] for name in ("file", "row", "id", "column", "rule")}
        )
    elif rejects is not None:
        rejects.unlink(missing_ok=True)
    tell = Teller(as_json=as_json, to_stderr=str(out) == "-")
    tell.json(found.summary)
    tell.lines(_words(found, rows, out, rejects))
    if later is not None:
        tell.line(_later_words(later, outcomes))


def _is_written_here(path: Path) -> bool:
    """Return whether a file is a table of write-offs or outcomes, or a list of rejects or issues: no remittance, so it may be replaced."""
    from features.errors import RecoupError
    from features.intake.sources import open_source

    if path.suffix.lower() in (".json", ".jsonl") and path.is_file():
        with path.open("rb") as file:
            return file.read(9) == b'{"file": '
    try:
        source = open_source(path)
    except RecoupError:
        return False
    source.close()
    return source.header[:1] in (["writeoff_id"], ["file"])


def _write_rows(path: Path, blocks: Iterable[Mapping[str, pa.Array]]) -> int:
    """Write a table that comes in blocks; return how many rows it has."""
    from features.intake.output import write_blocks

    rows = 0

    def counted() -> Iterator[Mapping[str, pa.Array]]:
        nonlocal rows
        for block in blocks:
            rows += len(next(iter(block.values())))
            yield block

    write_blocks(path, counted())
    return rows


def _later_words(later: Outcomes, outcomes: Path | None) -> str:
    brought, taken = sum(event.recovered for event in later.events), sum(event.taken_back for event in later.events)
    loose = f"; on no write-off: paid later {format_cents(later.loose_recovered)}, taken back {format_cents(later.loose_taken_back)}"
    return f"{len(later.events):,} outcomes in {outcomes}: recovered {format_cents(brought)}, taken back {format_cents(taken)}" + loose


def _words(found: ManyRemits, rows: int, out: Path, rejects: Path | None) -> list[str]:
    totals, kept = found.summary["totals"], found.summary["kept"]
    again = kept["repeated_transactions"]
    words = [
        f"{len(found.summary['files']):,} files, as read: {totals['transactions']:,} remittances, {totals['claims']:,} claims, "
        f"{totals['service_lines']:,} service lines, {totals['adjustments']:,} adjustments; paid {totals['paid']}",
        f"  adjusted by group: {_by_group(totals['amount_by_group'])}",
        f"  out of balance: {totals['out_of_balance']['line']} lines, {totals['out_of_balance']['claim']} claims, "
        f"{totals['out_of_balance']['transaction']} remittances; flagged, left out only where rejected",
        f"kept, each remittance once: {kept['claims']:,} claims; paid {kept['paid']}",
        f"  adjusted by group: {_by_group(kept['amount_by_group'])}",
    ]
    if again:
        words.append(f"{again:,} of the remittances came before and were counted once")
    counts = Counter((issue.severity, issue.code) for issue in found.issues)
    words += [f"  {severity}: {code}, {count:,} times" for (severity, code), count in counts.most_common(8)]
    if found.rejects:
        words.append(f"at {len(found.rejects):,} places claims or rows were left out" + (f"; see {rejects}" if rejects else ""))
    return [*words, f"{rows:,} rows in {out}; next: recoup score --writeoffs {out} --out scores.csv"]


def _by_group(amounts: Mapping[str, str]) -> str:
    return ", ".join(f"{group} {amount}" for group, amount in amounts.items()) or "nothing"
