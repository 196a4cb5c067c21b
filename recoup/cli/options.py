"""Options that several commands share, and the edge where the clock and the environment are read."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from features.errors import StorageFailed
from recoup.beside import Beside, Scored, Worked
from recoup.settings import Settings
from serving.access import DEFAULT_CLIENT


def parse_day(text: str | date) -> date:
    """Read a day like 2026-11-01; a default is a day already."""
    if isinstance(text, date):
        return text
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day like 2026-11-01") from None


def parse_shares(text: str) -> tuple[float, ...]:
    """Read shares of the hours like 0.05,0.1."""
    try:
        shares = tuple(float(part) for part in text.split(","))
        if not all(0 < share <= 1 for share in shares):
            raise ValueError
        return shares
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of shares like 0.05,0.1,0.2, each above 0 and at most 1") from None


def from_file(about: str, *names: str, metavar: str | None = None) -> Any:
    """Return the option of a file or folder that is read: where it is not there, that is said before anything is read."""
    return typer.Option(*names, help=about, metavar=metavar, callback=as_there)


def to_file(about: str, *names: str) -> Any:
    """Return the option of a file that is written: a folder in its place is refused before anything is read."""
    return typer.Option(*names, help=about, callback=as_file)


def to_folder(about: str, *names: str) -> Any:
    """Return the option of a folder that is written into: a file in its place is refused before anything is read."""
    return typer.Option(*names, help=about, callback=as_folder)


def as_there(named: Path | list[Path] | None) -> Path | list[Path] | None:
    """Return a path, or several, that are there; `-` is standard input.

    Raises
    ------
    StorageFailed
        When one is not there; the same for every command.
    """
    for path in [named] if isinstance(named, Path) else named or ():
        try:
            if str(path) != "-":
                path.stat()
        except OSError as error:
            raise StorageFailed.reading(path, error) from error
    return named


def as_file(context: typer.Context, path: Path | None) -> Path | None:
    """Return a path that a file can be written to; its folder is noted, for a disk that is full does not say which."""
    if path is not None and path.is_dir():
        raise typer.BadParameter(f"{path} is a folder; name a file to write, such as one in it")
    return _noted(context, path, path and path.parent)


def as_folder(context: typer.Context, path: Path | None) -> Path | None:
    """Return a path that can be a folder; it is noted as `as_file` does."""
    if path is not None and path.exists() and not path.is_dir():
        raise typer.BadParameter(f"{path} is a file; name a folder to write into, which need not be there yet")
    return _noted(context, path, path)


def _noted(context: typer.Context, path: Path | None, folder: Path | None) -> Path | None:
    if folder is not None and isinstance(context.obj, list):
        context.obj.append(folder)
    return path


Writeoffs = Annotated[Path, from_file("table of write-offs: .csv, .csv.gz, .parquet, a folder of Parquet, or -", "--writeoffs")]
Outcomes = Annotated[Path, from_file("table of efforts and what came of them", "--outcomes")]
StoredWriteoffs = Annotated[
    Path | None, from_file("table of write-offs; without it and --outcomes, what the store of the service holds", "--writeoffs")
]
StoredOutcomes = Annotated[Path | None, from_file("table of efforts and what came of them", "--outcomes")]
Client = Annotated[str, typer.Option("--client", help="provider organisation whose rows of the store are read")]
Contracts = Annotated[Path | None, from_file("table of contract rates", "--contracts")]
PayerRules = Annotated[Path | None, from_file("table of payers' time limits", "--payer-rules")]
Policies = Annotated[Path | None, from_file("table of the practice's write-off policies", "--policies")]
ReferenceFees = Annotated[Path | None, from_file("fees of reference schedules that contract rates refer to", "--reference-fees")]
Citations = Annotated[Path | None, from_file("passages that a letter may quote, kept with the model", "--citations")]
MappingFile = Annotated[Path | None, from_file("TOML file with the practice's own names; `recoup doctor FILE` proposes one", "--mapping")]
Morning = Annotated[
    date, typer.Option("--as-of", parser=parse_day, metavar="DATE", help="the morning up to which everything counts as known")
]
AsOf = Annotated[date | None, typer.Option("--as-of", parser=parse_day, metavar="DATE", help="the morning of this day; default today")]
Model = Annotated[str, typer.Option("--model", help="a model folder, a version number, or an alias")]
Report = Annotated[Path | None, to_folder("folder for report.html and report.json; default: under RECOUP_HOME/reports", "--out")]
Json = Annotated[bool, typer.Option("--json", help="print the report as JSON")]


_BESIDE = {"contracts": Contracts, "payer_rules": PayerRules, "policies": Policies, "reference_fees": ReferenceFees, "citations": Citations}


_FILES = {"writeoffs": Writeoffs, "outcomes": Outcomes, **_BESIDE, "mapping": MappingFile}
_SCORED = {
    "scores": Annotated[Path, from_file("table that `recoup score` wrote", "--scores")],
    "writeoffs": Writeoffs,
    "remit_lines": Annotated[Path | None, from_file("table of remit_lines, for what the remittances said", "--remit-lines")],
    "outcomes": Annotated[Path | None, from_file("efforts that the scores were made with", "--outcomes")],
    **_BESIDE,
    "mapping": MappingFile,
}
_STORED = {"writeoffs": StoredWriteoffs, "outcomes": StoredOutcomes, "client": Client, **_BESIDE, "mapping": MappingFile}
_TOGETHER: Mapping[str, Mapping[str, Any]] = {"beside": _BESIDE, "files": _FILES, "stored": _STORED, "scored": _SCORED}
"""Options that commands take as one parameter of this name: a `Beside`, a `Worked` of files or of files or the store, a `Scored`."""

_REQUIRED = {"files": ("writeoffs", "outcomes"), "scored": ("scores", "writeoffs")}
_DEFAULTS = {"client": DEFAULT_CLIENT}


def with_tables(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, in the place of each parameter that `_TOGETHER` names, the options that it stands for."""
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    taken = [name for name in _TOGETHER if name in hints]
    for own in inspect.signature(command).parameters.values():
        if own.name not in taken:
            parameters.append(_option(own.name, hints[own.name], own.default))
            continue
        for name, hint in _TOGETHER[own.name].items():
            is_required = name in _REQUIRED.get(own.name, ())
            parameters.append(_option(name, hint, inspect.Parameter.empty if is_required else _DEFAULTS.get(name)))

    @wraps(command)
    def run(**given: Any) -> None:
        for name in taken:
            options = {option: given.pop(option) for option in _TOGETHER[name]}
            beside = Beside(**{option: options.pop(option) for option in _BESIDE})
            kind = Scored if name == "scored" else Worked
            given[name] = beside if name == "beside" else kind(beside=beside, **options)
        command(**given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _option(name: str, hint: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def settings(**flags: object) -> Settings:
    """Read the settings of this run."""
    return Settings.read(flags, os.environ, folder=Path.cwd())


def tracking_uri() -> str | None:
    """Return another MLflow than our own, if the environment names one."""
    return os.environ.get("MLFLOW_TRACKING_URI") or None


def today() -> date:
    """Return the day on the wall."""
    return date.today()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
