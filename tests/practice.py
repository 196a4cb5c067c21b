"""A small synthetic practice, read once and learned from once per test process."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.batch import Batch
from features.codes.tables import Codes
from features.intake.table_file import read_table
from features.tables import CONTRACT_RATES, OUTCOMES, PAYER_RULES, WRITEOFF_POLICIES, WRITEOFFS
from features.vocabulary import Vocabulary
from models.bundle import Bundle, read_manifest
from models.pointer import Pointer, Promotion, write_pointer
from models.scorer import Scorer
from recoup.sample.practice import write_sample
from training.fit import train
from training.publish import publish

ROWS = 6000
CREATED = "2026-11-01T00:00:00+00:00"


def day(text: str) -> int:
    """Return a date as days since 1970-01-01."""
    return int(np.datetime64(text, "D").astype(np.int64))


AS_OF = day("2026-07-01")


@dataclass(frozen=True, slots=True)
class Files:
    """A practice's tables, coded by one vocabulary."""

    folder: Path
    writeoffs: Batch
    outcomes: Batch
    tables: dict[str, Batch]


@dataclass(frozen=True, slots=True)
class Learned:
    """What was fitted on a practice: the bundle, its folder and its scorer."""

    bundle: Bundle
    folder: Path
    scorer: Scorer


def read_files(folder: Path, vocabulary: Vocabulary | None = None) -> Files:
    """Read a practice's tables."""
    words = vocabulary if vocabulary is not None else Vocabulary(Codes.load().seed_words())
    writeoffs = read_table(folder / "writeoffs.csv", WRITEOFFS, vocabulary=words).batch
    outcomes = read_table(folder / "outcomes.csv", OUTCOMES, vocabulary=words).batch
    kinds = {"contracts": (CONTRACT_RATES, "contract_rates"), "payer_rules": (PAYER_RULES, "payer_rules")}
    kinds["policies"] = (WRITEOFF_POLICIES, "writeoff_policies")
    tables = {name: read_table(folder / f"{file}.csv", table, vocabulary=words).batch for name, (table, file) in kinds.items()}
    return Files(folder, writeoffs, outcomes, tables)


def make_practice(folder: Path, rows: int = ROWS, seed: int = 3) -> Files:
    """Write a practice and read it."""
    write_sample(folder, rows=rows, seed=seed, truth=True)
    return read_files(folder)


def learn(files: Files, folder: Path, as_of: int = AS_OF) -> Learned:
    """Fit on what was known on a day."""
    bundle = train(files.writeoffs, files.outcomes, tables=files.tables, as_of=as_of)
    publish(bundle, folder, name="test", created=CREATED)
    return Learned(bundle, folder, Scorer.load(folder))


def make_champion(learned: Learned, home: Path) -> None:
    """Make it the model that serves from a home."""
    digest = str(read_manifest(learned.folder)["bundle_hash"])
    shutil.copytree(learned.folder, home / "models" / digest)
    write_pointer(home, Pointer(Promotion("1", digest, f"models/{digest}")))
