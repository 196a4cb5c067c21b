"""Every error that recoup raises on purpose: one tree, each leaf with one exit code and one HTTP status.

::

    RecoupError            1   500
      CheckFailed          1   409   a data check or a gate did not hold
      NotFound             1   404   what was asked for is not there, or not the caller's to see
      UsageError           2   400   the call itself is wrong
      BadData             65   422   what came in cannot be read
        ColumnsMissing               a table lacks a required column
        TooManyRejects               more rows of a table were rejected than may be
        BundleRefused                a model folder is altered or does not fit
      Unavailable         69   503   a database or registry does not answer
      StorageFailed       74   507   a disk or a file failed, or is not there
      TryAgain            75   503   somebody else is at it
      NotPermitted        77   403   who asks may not
      Misconfigured       78   500   a setting is unknown or contradicts another
"""

from __future__ import annotations

from collections.abc import Sequence


class RecoupError(Exception):
    """Base of what recoup raises on purpose; its text is safe to show: it holds no value of a patient."""

    exit_code = 1
    http_status = 500


class CheckFailed(RecoupError):
    """A data check or a gate did not hold."""

    http_status = 409


class NotFound(RecoupError):
    """What was asked for is not there, or not the caller's to see."""

    http_status = 404


class UsageError(RecoupError):
    """The call itself is wrong."""

    exit_code = 2
    http_status = 400


class BadData(RecoupError):
    """What came in cannot be read."""

    exit_code = 65
    http_status = 422


class ColumnsMissing(BadData):
    """A table lacks columns that it must have.

    >>> print(ColumnsMissing("ledger.csv", "writeoffs", ["payer_id"], ["writeoff_id", "payer"]))  # doctest: +ELLIPSIS
    ledger.csv: table writeoffs lacks payer_id; it has writeoff_id, payer; rename a column or map it with --mapping ...
    """

    def __init__(self, source: str, table: str, missing: Sequence[str], present: Sequence[str]) -> None:
        self.missing = list(missing)
        super().__init__(
            f"{source}: table {table} lacks {', '.join(missing)}; it has {', '.join(present) or 'no column'}; "
            "rename a column or map it with --mapping (`recoup doctor FILE` proposes one)"
        )


class TooManyRejects(BadData):
    """More rows of a table were rejected than may be."""


class BundleRefused(BadData):
    """A model folder is altered, incomplete or does not fit this version."""


class Unavailable(RecoupError):
    """A database or registry does not answer."""

    exit_code = 69
    http_status = 503


class StorageFailed(RecoupError):
    """A disk or a file failed, or is not there."""

    exit_code = 74
    http_status = 507

    @classmethod
    def reading(cls, name: object, error: OSError) -> StorageFailed:
        """Return what is said of every file that is read and is not there, is a folder, or may not be read.

        >>> print(StorageFailed.reading("ledger.csv", FileNotFoundError(2, "No such file or directory")))
        ledger.csv: cannot be read: No such file or directory
        """
        return cls(f"{name}: cannot be read: {error.strerror or error}")


class TryAgain(RecoupError):
    """Somebody else is at it; the same call may go through later."""

    exit_code = 75
    http_status = 503


class NotPermitted(RecoupError):
    """Who asks may not."""

    exit_code = 77
    http_status = 403


class Misconfigured(RecoupError):
    """A setting is unknown or contradicts another."""

    exit_code = 78
    http_status = 500
