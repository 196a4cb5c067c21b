"""The tables of one run: read with one mapping, their rejects gathered in one file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from features.batch import Batch
from features.errors import UsageError
from features.intake import mapping as mappings
from features.intake.cells import latest_day
from features.intake.cut import Cut, cut, resume
from features.intake.output import write_table
from features.intake.part import Part
from features.intake.pseudonyms import Pseudonyms, load_or_create_key
from features.intake.rejects import Reject, TooManyRowsRejected
from features.intake.table_file import read_table
from features.intake.table_read import TableRead
from features.pieces import Each
from features.tables import CITATIONS, CONTRACT_RATES, OUTCOMES, PAYER_RULES, REFERENCE_FEES, WRITEOFF_POLICIES, WRITEOFFS, Table
from features.text_hashes import BY_NUMPY, TextHasher
from features.vocabulary import Vocabulary
from recoup.beside import Beside, Worked
from recoup.progress import Bars
from recoup.settings import Settings

KEY_FILE = Path("keys") / "patients.key"
BESIDE = {
    "contracts": CONTRACT_RATES,
    "payer_rules": PAYER_RULES,
    "policies": WRITEOFF_POLICIES,
    "reference_fees": REFERENCE_FEES,
    "citations": CITATIONS,
}
"""Tables beside the ledger, by the name that a bundle gives them."""


class Inputs:
    """Reads the tables of one run.

    Parameters
    ----------
    settings
        Where the key for patient ids is kept.
    mapping
        The practice's own names; None: ours.
    rejects
        The file that names refused rows; None writes none.
    today
        Days later than five years after it are refused.
    bars
        Shows how far reading is.
    """

    def __init__(self, settings: Settings, *, mapping: Path | None, rejects: Path | None, today: date, bars: Bars) -> None:
        self.rejects_file = rejects
        self.reads: dict[str, TableRead] = {}
        self._rejects: list[tuple[str, Reject]] = []
        self.mapping = mappings.load(mapping) if mapping is not None else None
        self._settings, self.home = settings, settings.home
        self._identity = Pseudonyms(load_or_create_key(settings.home / KEY_FILE))
        self.today, self.latest, self._bars = today, latest_day(today), bars

    def read(self, path: Path, table: Table, vocabulary: Vocabulary) -> Batch:
        """Read one table and return its accepted rows; too many refused rows are written out before they end the run."""
        try:
            read = read_table(
                path,
                table,
                vocabulary=vocabulary,
                mapping=self.mapping,
                identity=self._identity,
                latest=self.latest,
                progress=self._bars.rows(table.name),
            )
        except TooManyRowsRejected as error:
            self.refuse(table.name, error)
            raise
        self.take(table.name, read)
        return read.batch

    def worked(self, files: Worked, vocabulary: Vocabulary, *, as_of: date) -> tuple[Batch, Batch, Mapping[str, Batch]]:
        """Return write-offs, efforts and the tables beside: of files, or the first two of a client as the store knew them on a morning.

        Raises
        ------
        UsageError
            When one of the two is named.
        """
        ledger, efforts = self._worked(files, vocabulary, as_of)
        return ledger, efforts, self.beside(files.beside, vocabulary)

    def _worked(self, files: Worked, vocabulary: Vocabulary, as_of: date) -> tuple[Batch, Batch]:
        if files.writeoffs is None and files.outcomes is None:
            from recoup.stored import stored

            return stored(self._settings, files.client, vocabulary, as_of=as_of)
        if files.writeoffs is None or files.outcomes is None:
            raise UsageError("name both --writeoffs and --outcomes, or neither to learn from the store of the service")
        return self.read(files.writeoffs, WRITEOFFS, vocabulary), self.read(files.outcomes, OUTCOMES, vocabulary)

    def cut(
        self, path: Path, table: Table, folder: Path, hasher: TextHasher = BY_NUMPY, each: Each | None = None
    ) -> tuple[Cut, list[Part]]:
        """Set a table down in a folder, in parts that are read one by one; what is there already is taken as it is.

        `each` does what others may do of it, and `hasher` tells the keys of rows apart.
        """
        known = resume(folder)
        if known is not None:
            return known
        progress = self._bars.rows(table.name)
        return cut(path, table, folder, mapping=self.mapping, latest=self.latest, progress=progress, each=each, hasher=hasher)

    def take(self, name: str, read: TableRead) -> None:
        """Take the account of a table that was read in parts."""
        self.reads[name] = read
        self._rejects += [(name, reject) for reject in read.rejects]

    def refuse(self, name: str, error: TooManyRowsRejected) -> None:
        """Write out the rows that were refused, too many to go on."""
        self._rejects += [(name, reject) for reject in error.rejects]
        self.write_rejects()

    def beside(self, files: Beside, vocabulary: Vocabulary) -> Mapping[str, Batch]:
        """Read the tables beside the ledger that the run has."""
        given = {name: getattr(files, name) for name in BESIDE}
        return {name: self.read(path, BESIDE[name], vocabulary) for name, path in given.items() if path is not None}

    def write_rejects(self, place: Path | None = None) -> None:
        """Write the refused rows, or take an older file of them away when there are none."""
        path = place or self.rejects_file
        if path is None:
            return
        if not self._rejects:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_table(
            path,
            {
                "table": [table for table, _ in self._rejects],
                "row": [reject.row for _, reject in self._rejects],
                "id": [reject.id for _, reject in self._rejects],
                "column": [reject.column for _, reject in self._rejects],
                "rule": [reject.rule.value for _, reject in self._rejects],
            },
        )

    @property
    def rejected(self) -> int:
        """Rows refused so far."""
        return len({(table, reject.row) for table, reject in self._rejects})


def rejects_beside(out: Path) -> Path | None:
    """Return the rejects file of an output; standard output has none, and a folder that is called by no name of its own holds it.

    >>> [str(rejects_beside(Path(out))) for out in ("scores.csv", "-", ".", "..")]
    ['scores.csv.rejects.csv', 'None', 'rejects.csv', '../rejects.csv']
    """
    if str(out) == "-":
        return None
    return out.with_name(out.name + ".rejects.csv") if out.name not in ("", "..") else out / "rejects.csv"
