"""Commands on the vault of patients' identities: `identities import`, `identities reads`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import Misconfigured
from recoup.cli.group import group_of_commands
from recoup.cli.options import Json, as_there, settings
from recoup.cli.telling import Teller

if TYPE_CHECKING:
    from recoup.settings import Settings
    from serving.packet.vault import Vault


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = group_of_commands("The encrypted vault of patients' identities, which only packets read.")
    group.command("import")(import_identities)
    group.command("reads")(reads)
    app.add_typer(group, name="identities")


def open_vault(chosen: Settings) -> Vault:
    """Return the vault that the settings name.

    Raises
    ------
    Misconfigured
        When no key is set.
    """
    from serving.packet.vault import PLACE, Vault

    if chosen.identity_key is None:
        raise Misconfigured("the vault of identities needs its key: set RECOUP_IDENTITY_KEY (`openssl rand -hex 32` makes one)")
    return Vault(chosen.home / PLACE, chosen.identity_key)


def import_identities(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV: patient_id and name; payer_id, birth_date, member_id, group_number if known", callback=as_there
        ),
    ],
    as_json: Json = False,
) -> None:
    """Keep who patients are in the encrypted vault under RECOUP_HOME; a patient and payer known already is replaced."""
    from features.intake.pseudonyms import Pseudonyms, load_or_create_key
    from recoup.identity import opened_gate, operator
    from recoup.inputs import KEY_FILE

    chosen = settings()
    vault = open_vault(chosen)
    names = Pseudonyms(load_or_create_key(chosen.home / KEY_FILE))
    with file.open(encoding="utf-8-sig", newline="") as stream, opened_gate(chosen) as gate, gate.store.write() as unit:
        gate.log.tell(unit, operator(), "identity.import")
        found = vault.import_rows(stream, file.name, names)
    tell = Teller(as_json=as_json)
    rejects = [{"row": row, "column": column, "rule": rule} for row, column, rule in found.rejects]
    tell.json({"rows_read": found.rows, "rows_kept": found.kept, "rejects": rejects})
    tell.line(f"kept {found.kept:,} of {found.rows:,} identities in the vault; delete {file.name} once it is no longer needed")
    tell.lines(f"  row {row}: {column}: {rule}" for row, column, rule in found.rejects[:20])


def reads(
    most: Annotated[int, typer.Option(min=1, max=100_000, help="how many, the latest first")] = 100,
    as_json: Json = False,
) -> None:
    """Tell who read which identity and when; patients by their hash."""
    found = open_vault(settings()).readings(most)
    tell = Teller(as_json=as_json)
    tell.json([asdict(reading) for reading in found])
    head = ["at", "who", "patient", "payer", "found"]
    tell.table(head, [[told.at, told.subject, told.patient_id, told.payer_id, "yes" if told.found else "no"] for told in found])
