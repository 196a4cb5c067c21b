"""The folder of the model that a name means; known before anything large is imported."""

from __future__ import annotations

from pathlib import Path

from features.errors import UsageError
from models.pointer import read_pointer


def resolve(ref: str, home: Path, tracking_uri: str | None = None) -> Path | None:
    """Return the folder that a model's name means: a folder with a manifest, else a version, else an alias.

    None for `champion` while nothing was promoted: then priors score. The champion is found without MLflow.

    Raises
    ------
    UsageError
        When the name means nothing.
    """
    if (Path(ref) / "manifest.json").is_file():
        return Path(ref)
    if ref == "champion":
        pointer = read_pointer(home)
        return None if pointer is None else pointer.champion.folder(home)
    if not ref.isdigit() and ref != "challenger" and ("/" in ref or Path(ref).exists()):
        raise UsageError(f"{ref} is no model folder: it has no manifest.json")
    from models.registry import Registry

    return Registry(home, tracking_uri).fetch(ref)
