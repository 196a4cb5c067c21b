"""A trial of a model: fit on what was known on a day, judged on the write-offs after it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import BadData
from recoup.days import EPOCH

if TYPE_CHECKING:
    from features.batch import Batch
    from models.scorer import Scorer
    from recoup.progress import Step

TRUTH_COLUMNS = ("p_recover", "ev", "e_hours", "pot_recovered", "mispost")


@dataclass(frozen=True, slots=True)
class Trial:
    """What is judged, in days since 1970-01-01.

    Parameters
    ----------
    as_of
        Outcomes count as known on this morning.
    start, end
        First and last day of the write-offs.
    capacity
        Shares of the hours.
    """

    as_of: int
    start: int
    end: int
    capacity: tuple[float, ...] = (0.05, 0.1, 0.2)

    def judge(
        self,
        writeoffs: Batch,
        outcomes: Batch,
        *,
        tables: Mapping[str, Batch],
        scorer: Scorer | None = None,
        truth: Mapping[str, Any] | None = None,
        progress: Step | None = None,
    ) -> dict[str, Any]:
        """Return the result of `training.evaluate`; without a scorer, one is fitted on what was known on the first day.

        Parameters
        ----------
        writeoffs, outcomes, tables
            Coded by the scorer's vocabulary or an overlay of it, or by one of their own.
        """
        if scorer is not None:
            if tables:
                use_tables(scorer, tables)
            return self._judge(scorer, writeoffs, outcomes, truth)
        from training.cut import recode

        with fitted(writeoffs, outcomes, tables=tables, as_of=self.start, progress=progress) as fresh:
            words = fresh.vocabulary.overlay()
            return self._judge(fresh, recode(writeoffs, words), recode(outcomes, words), truth)

    def _judge(self, scorer: Scorer, writeoffs: Batch, outcomes: Batch, truth: Mapping[str, Any] | None) -> dict[str, Any]:
        from training.evaluate import evaluate

        result = evaluate(
            writeoffs, outcomes, scorer=scorer, as_of=self.as_of, start=self.start, end=self.end + 1, capacity=self.capacity, truth=truth
        )
        # The judge's end is the day after the last one, which a person would read as one day too many.
        return {**result, "to": str(EPOCH + timedelta(days=self.end))}


@contextmanager
def fitted(writeoffs: Batch, outcomes: Batch, *, tables: Mapping[str, Batch], as_of: int, progress: Step | None = None) -> Iterator[Scorer]:
    """Fit a model, write it as a bundle, and load that for as long as the block runs: what is judged is what would serve."""
    from models.scorer import Scorer
    from training.fit import train
    from training.publish import publish

    bundle = train(writeoffs, outcomes, tables=tables, as_of=as_of, progress=progress)
    with tempfile.TemporaryDirectory(prefix="recoup-trial-") as scratch:
        folder = Path(scratch) / "bundle"
        publish(bundle, folder, name="trial", created="")
        # Trees are read from the folder when they are first needed.
        yield Scorer.load(folder)


def use_tables(scorer: Scorer, tables: Mapping[str, Batch]) -> None:
    """Let a scorer see with these tables in the place of those that its bundle carries."""
    from features.view import Practice, Viewer

    old = scorer.viewer
    scorer.viewer = Viewer(Practice(old.practice.codes, **old.practice.tables() | dict(tables)), old.usual, old.history, old.shares)


def known_truth(path: Path) -> dict[str, Any]:
    """Read the hidden truth of a synthetic practice.

    Raises
    ------
    BadData
        When the file is not one that `recoup sample --truth` writes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=["writeoff_id", *TRUTH_COLUMNS])
    except (pa.ArrowException, KeyError) as error:
        raise BadData(f"{path}: not the truth.parquet of `recoup sample --truth`") from error
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
