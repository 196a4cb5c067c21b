"""A nightly ledger of any size: set down in parts, scored by processes or a cluster, ranked into a file; once killed, taken up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from features.batch import Batch
from features.intake.cut import Cut
from features.intake.part import Part
from features.intake.rejects import TooManyRowsRejected
from features.tables import OUTCOMES, WRITEOFFS
from features.text_hashes import BY_NUMPY, TextHasher
from features.vocabulary import Vocabulary
from models.bundle import read_manifest
from models.scorer import PRIOR, Scorer
from recoup.beside import Beside
from recoup.inputs import BESIDE, Inputs
from recoup.memory import give_back
from recoup.outcomes import add_outcomes
from recoup.scorers import costs_of, scorer_of
from recoup.settings import Settings
from recoup.trial import use_tables
from serving.batch.folder import batch_folder, state_of
from serving.batch.memory import keep_memory
from serving.batch.packed import Packed
from serving.batch.parts import Task
from serving.batch.pool import set_down_beside, starting
from serving.batch.ranking import Scored, Tell, score_parts
from serving.batch.workers import workers_of
from serving.cluster import open_cluster

COMPILE_ROWS = 50_000
"""From so many rows on, compiled code saves more than laying the trees out for it takes."""

LARGE_BYTES = {".parquet": 16 << 20, ".csv": 96 << 20, ".gz": 16 << 20}
"""A ledger of so many bytes, some 300,000 rows, is worth several processes with compiled trees, which also set it down."""

LEARNED_FROM = (
    "writeoff_id",
    "writeoff_date",
    "payer_id",
    "plan_id",
    "procedure_code",
    "modifiers",
    "units",
    "allowed_amount",
    "paid_amount",
    "patient_responsibility_amount",
)
"""Columns of all postings from which a scorer without a model learns what payers allow and patients carry."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be scored, and by whom.

    Parameters
    ----------
    writeoffs, outcomes, beside, mapping
        The ledger, efforts known since the model's data cut, the tables beside, and how cells are read.
    bundle
        Folder of the model; None: expert rates.
    day
        The morning of scoring (days since 1970-01-01).
    reasons
        So many of the first ranks get reasons; None: all.
    processes, cluster
        How many processes of this machine, or the address of a cluster; see `serving.cluster.open_cluster`.
    large_from
        From so many bytes on the ledger is large; None: as `LARGE_BYTES` says of its kind of file.
    """

    writeoffs: Path
    outcomes: Path | None
    beside: Beside
    mapping: Path | None
    bundle: Path | None
    day: int
    reasons: int | None
    processes: int
    cluster: str | None = None
    large_from: int | None = None

    @property
    def is_large(self) -> bool:
        """Whether the ledger is worth several processes."""
        usual = LARGE_BYTES.get(self.writeoffs.suffix.lower(), 16 << 20)
        return _bytes_of(self.writeoffs) >= (usual if self.large_from is None else self.large_from)


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of scoring a ledger.

    Parameters
    ----------
    scorer, scored
        By whom, and what.
    worked, strangers
        How many write-offs of the ledger, and how many others, the given efforts are on.
    """

    scorer: Scorer
    scored: Scored
    worked: int
    strangers: int


def score_ledger(asked: Asked, chosen: Settings, inputs: Inputs, out: Path, *, top: int, tell: Tell) -> Ran:
    """Score and rank a ledger into a file.

    Parameters
    ----------
    inputs
        Reads the files; what it rejects of them it keeps.
    out, top, tell
        See `serving.batch.ranking.score_parts`.

    Raises
    ------
    TooManyRowsRejected
        When more than 5 % of the rows cannot be read; they are written out.
    """
    keep_memory()
    cache = chosen.home / "cache" / "trees"
    with batch_folder(chosen.home, _told(asked, chosen, inputs)) as folder, ExitStack() as stack:
        machines = stack.enter_context(open_cluster(folder, asked.cluster)) if asked.cluster else None
        cut = partial(inputs.cut, asked.writeoffs, WRITEOFFS, folder, TextHasher(cache) if asked.is_large else BY_NUMPY)
        pool = None
        if asked.is_large and asked.processes > 1 and machines is None:
            (ledger, parts), scorer = set_down_beside(asked.processes, cut, lambda: scorer_of(asked.bundle, chosen).made_ready(cache))
            give_back()
            pool = stack.enter_context(starting(asked.processes, scorer, cache, is_early=True))
        else:
            scorer = scorer_of(asked.bundle, chosen)
            ledger, parts = cut(machines.each if machines is not None and machines.all_see(asked.writeoffs) else None)
            give_back()
        words = scorer.vocabulary.overlay()
        worked, strangers = _teach(scorer, asked, ledger, parts, inputs, words)
        task = Task(
            ledger,
            Packed.of(scorer, words),
            inputs.mapping,
            inputs.latest,
            as_of=asked.day,
            explain_all=asked.reasons is None,
            codes=chosen.home / "codes",
            cache=cache if len(ledger) >= COMPILE_ROWS else None,
            worked=worked,
        )
        if machines is not None:
            workers = machines.take_up(task)
        else:
            workers = stack.enter_context(workers_of(task, scorer, asked.processes, pool=pool))
        try:
            scored = score_parts(task, parts, workers, out, version=scorer.version, reasons=asked.reasons, top=top, tell=tell)
        except TooManyRowsRejected as error:
            inputs.refuse(WRITEOFFS.name, error)
            raise
    return Ran(scorer, scored, len(worked), strangers)


def _teach(
    scorer: Scorer, asked: Asked, ledger: Cut, parts: Sequence[Part], inputs: Inputs, words: Vocabulary
) -> tuple[frozenset[str], int]:
    """Let a scorer learn from files what its model lacks: of all rows only what is learned from, of worked ones everything.

    Returns
    -------
    worked, strangers
        The write-offs of the ledger that the given efforts are on, and how many others there are.
    """

    def gather(**which: Any) -> Batch:
        return ledger.gather(parts, WRITEOFFS, words, mapping=inputs.mapping, latest=inputs.latest, **which)

    if tables := inputs.beside(asked.beside, words):
        use_tables(scorer, tables)
    outcomes = inputs.read(asked.outcomes, OUTCOMES, words) if asked.outcomes else None
    if scorer.version == PRIOR:
        scorer.learn_usual(gather(names=LEARNED_FROM), until=asked.day)
    if outcomes is None or not len(outcomes):
        return frozenset(), 0
    ids = set(outcomes.columns["writeoff_id"].tolist())
    known = gather(ids=ids)
    add_outcomes(scorer, known, outcomes, asked.day)
    return frozenset(known.columns["writeoff_id"].tolist()), len(ids) - len(known)


def _told(asked: Asked, chosen: Settings, inputs: Inputs) -> Mapping[str, object] | None:
    """Return what the result depends on; None where a file cannot be read twice."""
    files = [asked.writeoffs, asked.outcomes, asked.mapping, *(getattr(asked.beside, name) for name in BESIDE)]
    if any(str(path) == "-" or not path.exists() for path in files if path is not None):
        return None
    return {
        "model": read_manifest(asked.bundle)["bundle_hash"] if asked.bundle is not None else "",
        "costs": asdict(costs_of(chosen)),
        "day": asked.day,
        "latest": inputs.latest,
        "all": asked.reasons is None,
        "recoup": version("recoup"),
        "files": [state_of(path) if path is not None else None for path in files],
    }


def _bytes_of(path: Path) -> int:
    """Return how large a file or folder is; 0 where nobody knows before it is read."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
