"""A bundle saved as MLflow's own model: code, signature, example and packages, so that other tools can load it."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from features.tables import WRITEOFFS, Kind
from models.scores import SCORE_COLUMNS


def save_pyfunc(model: Path, bundle: Path) -> None:
    """Write the bundle as a models-from-code pyfunc with the packages that it needs, so that other tools can load it."""
    import mlflow.pyfunc

    here = Path(__file__).parent
    with tempfile.TemporaryDirectory(prefix="recoup-code-") as scratch:
        code = []
        for package in (here.parent / "features", here):
            shutil.copytree(package, Path(scratch) / package.name, ignore=shutil.ignore_patterns("__pycache__"))
            code.append(str(Path(scratch) / package.name))
        mlflow.pyfunc.save_model(
            path=str(model),
            python_model=str(here / "pyfunc.py"),
            artifacts={"bundle": str(bundle)},
            code_paths=code,
            pip_requirements=_requirements(bundle),
            signature=_signature(bundle),
            input_example=_example(bundle),
        )


_TYPES = {
    Kind.ID: "string",
    Kind.TEXT: "string",
    Kind.MONEY: "double",
    Kind.DATE: "datetime",
    Kind.INT: "double",
    Kind.NUMBER: "double",
    Kind.BOOL: "any",
}
"""Types of MLflow by kind of column; integers are doubles, because a column of them with a null is one to pandas. A yes or no may be of
any type: MLflow reads a null as no where a column is declared boolean, and unknown is not no."""


def _signature(bundle: Path) -> Any:
    """Return the columns that go in, only the required ones required, and the scores that come out."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    types = {"any": AnyType()}  # type: ignore[no-untyped-call]
    columns: list[Any] = [
        ColSpec(types.get(_TYPES[column.kind], _TYPES[column.kind]), column.name, required=not column.nullable)
        for column in WRITEOFFS.columns
    ]
    path = bundle / "model.json"
    extras = json.loads(path.read_bytes())["extras"] if path.is_file() else {}
    columns += [ColSpec("double" if kind == "number" else "string", name, required=False) for name, kind in sorted(extras.items())]
    params = ParamSchema([ParamSpec("as_of", "string", ""), ParamSpec("reasons", "boolean", True)])
    scores: list[Any] = [ColSpec(_type_of(name), name) for name in SCORE_COLUMNS]
    return ModelSignature(inputs=Schema(columns), outputs=Schema(scores), params=params)


_TEXTS = (
    "writeoff_id",
    "category",
    "family",
    "remedy",
    "deadline_date",
    "deadline_source",
    "work_item_id",
    "reasons",
    "model_version",
    "as_of",
)


def _type_of(score: str) -> str:
    return "string" if score in _TEXTS else {"rank": "long", "in_scope": "boolean"}.get(score, "double")


def _example(bundle: Path) -> Any:
    """Return two invented write-offs, those that the bundle probes itself with; None where it has no probe."""
    import pandas as pd

    path = bundle / "probe.json"
    if not path.is_file():
        return None
    rows = pd.DataFrame(json.loads(path.read_bytes())["records"][:2])
    for column in WRITEOFFS.columns:
        if column.name in rows and column.kind is Kind.DATE:
            rows[column.name] = pd.to_datetime(rows[column.name])
        elif column.name in rows and _TYPES[column.kind] == "double":
            rows[column.name] = rows[column.name].astype(float)
    return rows


def _requirements(bundle: Path) -> list[str]:
    """What the bundle was made with, pinned; inference of requirements would load the model to look."""
    from importlib import metadata

    libraries = dict(json.loads((bundle / "manifest.json").read_bytes()).get("libraries", {}))
    for name in ("mlflow", "pyarrow", "pandas"):
        try:
            libraries.setdefault(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            continue
    return sorted(f"{name}=={version}" for name, version in libraries.items())
