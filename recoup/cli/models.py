"""Commands of the registered models: `models list`, `show`, `promote`, `rollback`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recoup.cli.group import group_of_commands
from recoup.cli.options import (
    Json,
    settings,
    tracking_uri,
)
from recoup.cli.telling import Teller
from recoup.progress import bars

if TYPE_CHECKING:
    from models.registry import Registry


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = group_of_commands("The registered models, and which of them serves.")
    group.command("list")(list_models)
    group.command("show")(show_model)
    group.command("promote")(promote_model)
    group.command("rollback")(rollback_model)
    app.add_typer(group, name="models")


def _registry() -> Registry:
    from models.registry import Registry

    return Registry(settings().home, tracking_uri())


def list_models(as_json: Json = False) -> None:
    """List the registered models, the latest first."""
    versions, tell = _registry().versions(), Teller(as_json=as_json)
    tell.json([version.as_json() for version in versions])
    if not versions:
        tell.line("no model is registered yet; `recoup train` makes one")
        return
    rows = [[v.number, ", ".join(v.aliases), v.cut, v.bundle_hash[:12], v.created] for v in versions]
    tell.table(["version", "alias", "knows until", "model", "registered"], rows, right=["version"])


def show_model(
    ref: Annotated[str, typer.Argument(metavar="VERSION", help="a version number or an alias")],
    reproduce: Annotated[bool, typer.Option("--reproduce", help="fit it anew from its snapshot, and compare the hashes")] = False,
    as_json: Json = False,
) -> None:
    """Show one model and the numbers of its fit; with --reproduce exit 1 when a refit comes out differently."""
    from features.errors import CheckFailed

    registry, tell = _registry(), Teller(as_json=as_json)
    version = registry.show(ref)
    again = _refitted(registry.fetch(version.number)) if reproduce else None
    tell.json(version.as_json() | ({"reproduced_hash": again} if again else {}))
    tell.line(f"version {version.number} ({', '.join(version.aliases) or 'no alias'}): {version.name}, model {version.bundle_hash}")
    tell.line(f"knows what came until the morning of {version.cut}; registered {version.created}")
    tell.table(["tag", "value"], [[name, value] for name, value in version.tags.items()])
    tell.table(["number", "value"], [[name, f"{value:,.4g}"] for name, value in sorted(version.metrics.items())], right=["value"])
    if again is not None and again != version.bundle_hash:
        raise CheckFailed(f"a refit from the snapshot is model {again[:12]}, not {version.bundle_hash[:12]}: compare the library versions")
    if again is not None:
        tell.line("a refit from its snapshot is the same model, to the bit")


def _refitted(folder: Path) -> str:
    """Fit a bundle anew from the snapshot that it names, and return the hash."""
    from recoup.retraining import refit

    chosen = settings()
    with bars() as shown:
        return refit(folder, chosen.home, progress=shown.of("refit"))


def promote_model(
    ref: Annotated[str, typer.Argument(metavar="VERSION", help="a version number or an alias")],
    override: Annotated[str | None, typer.Option(metavar="REASON", help="why it may serve although its gates did not hold")] = None,
    as_json: Json = False,
) -> None:
    """Make a model the champion; a running service takes it up by itself.

    Exit 1 for a version whose gates did not hold or were not asked, unless --override says why; the reason is kept in the access log.
    """
    from recoup.retraining import make_champion

    promotion, tell = make_champion(_registry(), ref, settings(), override=override), Teller(as_json=as_json)
    tell.json({"version": promotion.version, "bundle_hash": promotion.bundle_hash})
    tell.line(f"version {promotion.version} is champion (model {promotion.bundle_hash[:12]})")


def rollback_model(as_json: Json = False) -> None:
    """Make the champion before this one champion again."""
    from recoup.retraining import roll_back

    promotion, tell = roll_back(_registry(), settings()), Teller(as_json=as_json)
    tell.json({"version": promotion.version, "bundle_hash": promotion.bundle_hash})
    tell.line(f"version {promotion.version} is champion again (model {promotion.bundle_hash[:12]})")
