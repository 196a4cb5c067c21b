"""A bundle is the model: a folder of text, JSON and Parquet with a hash for every file; no pickle and no native code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.batch import Batch
from features.errors import BundleRefused
from features.history import History
from features.matrix import Layout
from features.patient_share import UsualShares
from features.record import Record
from features.tables import CITATIONS, CONTRACT_RATES, PAYER_RULES, REFERENCE_FEES, WRITEOFF_POLICIES, Columns, Table
from features.usual import Usual
from features.vocabulary import Vocabulary
from models.amount import Amount
from models.anomaly import DEFAULT_SPREAD, Anomaly
from models.calibration import Calibration
from models.effort import Effort
from models.forest import Forest
from models.intervals import Range
from models.likelihood import Likelihood
from models.linear import Linear
from models.rarity import Rarity
from models.say import Say
from models.sums import Sums
from models.value import Dollars

FORMAT = 1
_TABLES: Mapping[str, Table] = {
    "contracts": CONTRACT_RATES,
    "payer_rules": PAYER_RULES,
    "policies": WRITEOFF_POLICIES,
    "reference_fees": REFERENCE_FEES,
    "citations": CITATIONS,
}
REFERENCE = "reference.json"
_OUTSIDE = ("manifest.json", "report.html", "report.json", "card.md")
"""Files that say something of the model but are not the model: they stand outside the content hash."""


@dataclass(slots=True)
class Bundle:
    """Everything a scorer needs, as plain data.

    Parameters
    ----------
    cut
        Data cut: the morning up to which everything was known (days since 1970-01-01).
    seed
        Of everything random in the fit.
    layout, extra_codes
        The matrix, and the codes of the user's category columns.
    trees
        LightGBM text by role: likelihood, fraction, amount, effort, anomaly. A role that is absent falls back to its default.
    linear, say, calibration, trees_share
        Of the likelihood.
    fraction_range, amount_range, default_fraction, default_dollars
        Of the dollars.
    amount
        Level, spread and scale of the dollars learned where no amounts are known; None where they are.
    spread, payer_factor
        Of the anomaly.
    vocabulary, history, usual, shares
        Words in code order; state after everything known before the cut, patients' shares as of its month.
    tables
        Contracts, payer rules, policies and reference fees that it was trained with, coded by the vocabulary.
    facts
        Counts and metrics of the fit, for the registry and the card.
    sums
        How far sums of expected dollars have been off.
    reference
        Histograms of the latest write-offs (`models.reference`), which later ones are held against.
    effort
        Weight of the effort's trees, log of the practice's hours against the defaults, and how far those stand apart.
    rarity, record
        Which codes came together, and what became of the last year's efforts.
    """

    cut: int
    seed: int
    layout: Layout
    extra_codes: dict[str, dict[str, int]]
    trees: dict[str, str]
    linear: Linear | None
    say: Say
    calibration: Calibration
    fraction_range: Range
    amount_range: Range
    default_fraction: float
    default_dollars: float
    amount: tuple[Linear, Linear, float] | None
    spread: tuple[float, ...]
    payer_factor: tuple[float, ...]
    vocabulary: Vocabulary
    history: History
    usual: Usual
    shares: UsualShares = field(default_factory=UsualShares)
    tables: dict[str, Batch] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    sums: Sums = field(default_factory=Sums)
    reference: dict[str, Any] = field(default_factory=dict)
    effort: tuple[float, float, float] = (0.0, 0.0, 1.0)
    rarity: Rarity = field(default_factory=Rarity.nothing)
    record: Record = field(default_factory=Record)
    trees_share: float = 0.5


@dataclass(frozen=True, slots=True)
class Models:
    """The estimators of a bundle, ready to predict."""

    likelihood: Likelihood
    dollars: Dollars
    effort: Effort
    anomaly: Anomaly
    sums: Sums = field(default_factory=Sums)
    rarity: Rarity = field(default_factory=Rarity.nothing)
    record: Record = field(default_factory=Record)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A bundle read back from its folder."""

    manifest: dict[str, Any]
    layout: Layout
    extra_codes: dict[str, dict[str, int]]
    models: Models
    vocabulary: Vocabulary
    history: History
    usual: Usual
    shares: UsualShares
    tables: dict[str, Batch]


def write(bundle: Bundle, folder: Path) -> None:
    """Write a bundle's files without its manifest; `seal` writes that last, so that a folder without one is no bundle."""
    folder.mkdir(parents=True, exist_ok=True)
    for role, text in bundle.trees.items():
        (folder / f"{role}.txt").write_text(text)
    _write_json(folder / "model.json", _model_json(bundle))
    _write_json(folder / "vocabulary.json", bundle.vocabulary.as_dict())
    _write_json(folder / REFERENCE, bundle.reference)
    _write_parquet(folder / "history.parquet", bundle.history.snapshot())
    _write_parquet(folder / "usual.parquet", bundle.usual.snapshot())
    _write_parquet(folder / "rarity.parquet", bundle.rarity.snapshot())
    _write_parquet(folder / "record.parquet", bundle.record.snapshot())
    for name, batch in bundle.tables.items():
        _write_parquet(folder / f"{name}.parquet", {key: _plain(values) for key, values in batch.columns.items()})


def seal(bundle: Bundle, folder: Path, *, name: str, created: str) -> str:
    """Write the manifest with the hash of every file and return the bundle's hash.

    Parameters
    ----------
    name
        Of the model, for people.
    created
        ISO time; it stands outside the content hash, so the same inputs give the same hash.
    """
    files = {p.name: _sha256(p) for p in sorted(folder.iterdir()) if p.name not in _OUTSIDE}
    content = {
        "format": FORMAT,
        "cut": str(np.datetime64(bundle.cut, "D")),
        "seed": bundle.seed,
        "features": list(bundle.layout.names),
        "schema_hash": bundle.layout.hash,
        "libraries": {library: metadata.version(library) for library in ("numpy", "lightgbm", "scikit-learn", "pylignum")},
        "facts": bundle.facts,
        "files": files,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    manifest = {"name": name, "bundle_hash": digest, "created": created, **content}
    _write_json(folder / "manifest.json", manifest)
    return digest


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and check a bundle's manifest and the hash of each of its files.

    Raises
    ------
    BundleRefused
        When the folder holds no bundle, or a file is missing, added to or altered.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise BundleRefused(f"{folder.name}: no manifest.json, so it is not a model folder")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
        files, told = manifest["files"], manifest["bundle_hash"]
        content = {key: value for key, value in manifest.items() if key not in ("name", "bundle_hash", "created")}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleRefused(f"{folder.name}: manifest.json cannot be read") from error
    if manifest.get("format") != FORMAT:
        raise BundleRefused(f"{folder.name}: format {manifest.get('format')}; this version reads format {FORMAT}")
    if hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest() != told:
        raise BundleRefused(f"{folder.name}: manifest.json was altered")
    for name, digest in files.items():
        if not (folder / name).is_file() or _sha256(folder / name) != digest:
            raise BundleRefused(f"{folder.name}: {name} is missing or was altered")
    return manifest


def load(folder: Path, *, checked: bool = True) -> Loaded:
    """Read a bundle.

    Parameters
    ----------
    checked
        False only while a bundle is being made and has no manifest yet.

    Raises
    ------
    BundleRefused
        When a hash differs.
    """
    manifest = read_manifest(folder) if checked else {}
    told = json.loads((folder / "model.json").read_text())
    vocabulary = Vocabulary(json.loads((folder / "vocabulary.json").read_text()))

    def forest(role: str) -> Forest | None:
        path = folder / f"{role}.txt"
        return Forest(path) if role in told["roles"] else None

    ranges = {
        name: Range(*(np.array(told[name][part]) for part in ("edges", "low", "high"))) for name in ("fraction_range", "amount_range")
    }
    models = Models(
        Likelihood(
            forest("likelihood"),
            Linear.from_json(told["linear"]) if told["linear"] else None,
            # A bundle made before kinds were told apart has one weight for all.
            Say.of_kinds(told["weight"], told.get("kinds")),
            Calibration(**told["calibration"]),
            # A bundle made before the shares were settled has the plain mean of trees and linear score.
            told.get("trees_share", 0.5),
        ),
        Dollars(
            forest("fraction"),
            _amount(forest("amount"), told["amount"]),
            **ranges,
            default_fraction=told["default_fraction"],
            default_dollars=told["default_dollars"],
        ),
        # A bundle made before hours were drawn to the defaults has trees that speak alone.
        Effort(forest("effort"), **told.get("effort", {"weight": 1.0, "level": 0.0})),
        # A bundle made before agreed prices were judged has no spread for them.
        Anomaly(forest("anomaly"), (*told["spread"], *DEFAULT_SPREAD[len(told["spread"]) :]), tuple(told["payer_factor"])),
        Sums.from_json(told.get("sums")),
        # A bundle made before combinations were counted finds none odd.
        Rarity.of(_read_parquet(folder / "rarity.parquet"), told["odd_limits"]) if "odd_limits" in told else Rarity.nothing(),
        # A bundle made before efforts were counted for sentences tells decayed numbers.
        Record.restore(_read_parquet(folder / "record.parquet")) if (folder / "record.parquet").exists() else Record(),
    )
    tables = {
        name: Batch(table, _read_parquet(folder / f"{name}.parquet"), vocabulary)
        for name, table in _TABLES.items()
        if name in told["tables"]
    }
    return Loaded(
        manifest,
        Layout(tuple(told["features"]), told["category_sizes"], told["extras"]),
        told["extra_codes"],
        models,
        vocabulary,
        History.restore(_read_parquet(folder / "history.parquet"), told["decay_days"]),
        Usual.restore(_read_parquet(folder / "usual.parquet")),
        UsualShares({(payer, plan): parts for payer, plan, parts in told["shares"]}),
        tables,
    )


def _amount(trees: Forest | None, told: list[Any] | None) -> Amount | None:
    if trees is None or told is None:
        return None
    return Amount(trees, Linear.from_json(told[0]), Linear.from_json(told[1]), told[2])


def _model_json(bundle: Bundle) -> dict[str, Any]:
    def told(span: Range) -> dict[str, list[float]]:
        return {"edges": span.edges.tolist(), "low": span.low.tolist(), "high": span.high.tolist()}

    return {
        "features": list(bundle.layout.names),
        "category_sizes": dict(bundle.layout.category_sizes),
        "extras": dict(bundle.layout.extras),
        "extra_codes": bundle.extra_codes,
        "roles": sorted(bundle.trees),
        "tables": sorted(bundle.tables),
        "linear": bundle.linear.as_json() if bundle.linear else None,
        "weight": bundle.say.whole,
        "kinds": bundle.say.kinds(),
        "trees_share": bundle.trees_share,
        "calibration": asdict(bundle.calibration),
        "fraction_range": told(bundle.fraction_range),
        "amount_range": told(bundle.amount_range),
        "default_fraction": bundle.default_fraction,
        "default_dollars": bundle.default_dollars,
        "amount": [bundle.amount[0].as_json(), bundle.amount[1].as_json(), bundle.amount[2]] if bundle.amount else None,
        "spread": list(bundle.spread),
        "payer_factor": list(bundle.payer_factor),
        "shares": sorted(([payer, plan, parts] for (payer, plan), parts in bundle.shares.parts.items()), key=str),
        "decay_days": bundle.history.decay_days,
        "sums": bundle.sums.as_json(),
        "odd_limits": list(bundle.rarity.limits),
        "effort": dict(zip(("weight", "level", "slope"), bundle.effort, strict=True)),
    }


def _write_json(path: Path, told: object) -> None:
    path.write_text(json.dumps(told, indent=1, sort_keys=True, allow_nan=False) + "\n")


def _write_parquet(path: Path, columns: Columns) -> None:
    pq.write_table(pa.table(dict(columns)), path, compression="zstd", store_schema=False)


def _read_parquet(path: Path) -> Columns:
    # Neither `read_table` nor `to_numpy`: they import pandas, which the service path does without.
    table = pq.ParquetFile(path, pre_buffer=False).read(use_threads=False)
    return {name: np.from_dlpack(table[name].combine_chunks()) for name in table.column_names}


def _plain(values: Any) -> Any:
    return values.astype(str) if values.dtype == object else values


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
