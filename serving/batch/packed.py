"""A scorer as plain data that can go to another process or another machine and be the same scorer there."""

from __future__ import annotations

import tempfile
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from features.batch import Batch
from features.codes.tables import Codes
from features.history import History
from features.patient_share import UsualShares
from features.usual import Usual
from features.view import Practice, Viewer
from features.vocabulary import Vocabulary
from models.scorer import Scorer
from models.value import Costs


@dataclass(frozen=True, slots=True)
class Eyes:
    """What a viewer sees with: tables of the practice, usual, history, shares."""

    tables: dict[str, Batch]
    usual: Usual
    history: History
    shares: dict[tuple[str, str | None], int]

    @classmethod
    def of(cls, viewer: Viewer) -> Eyes:
        """Return those of a viewer."""
        return cls(viewer.practice.tables(), viewer.usual, viewer.history, viewer.shares.parts)

    def viewer(self) -> Viewer:
        """Return a viewer with them."""
        return Viewer(Practice(Codes.load(), **self.tables), self.usual, self.history, UsualShares(self.shares))


@dataclass(frozen=True, slots=True)
class Packed:
    """Everything that a scorer knows.

    Parameters
    ----------
    files, bundle_hash
        Of the bundle, by name, and its hash; None and blank: the prior, which has none.
    version, costs
        Of the scorer.
    eyes
        What its viewer sees with: those of the bundle, advanced and replaced by what the run was given; None: as the bundle has them.
    words
        Codes everything above; an overlay of the bundle's where the run brought words of its own.
    """

    files: dict[str, bytes] | None
    bundle_hash: str
    version: str
    costs: Costs
    eyes: Eyes | None
    words: Vocabulary

    @classmethod
    def of(cls, scorer: Scorer, words: Vocabulary) -> Packed:
        """Pack a scorer; `words` codes the tables that it was given."""
        folder = scorer.folder
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()} if folder is not None else None
        eyes = None if scorer.is_as_loaded else Eyes.of(scorer.viewer)
        return cls(files, scorer.bundle_hash, scorer.version, scorer.costs, eyes, words)

    def unpack(self, known: Scorer | None = None) -> Scorer:
        """Return the scorer; a bundle is checked as on every load, unless it is `known`, a scorer as it was loaded from it already."""
        if self.files is None:
            scorer = Scorer.prior(self.words, costs=self.costs)
        elif known is not None and known.bundle_hash == self.bundle_hash and known.is_as_loaded:
            scorer = copy(known)
            scorer.version, scorer.costs = self.version, self.costs
        else:
            with tempfile.TemporaryDirectory(prefix="recoup-model-") as place:
                for name, content in self.files.items():
                    (Path(place) / name).write_bytes(content)
                scorer = Scorer.load(Path(place), version=self.version, costs=self.costs)
        if self.eyes is not None:
            scorer.viewer = self.eyes.viewer()
        return scorer
