"""The program `recoup`: its commands, and what each kind of failure exits with."""

from __future__ import annotations

import errno
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import typer

from features.errors import RecoupError, StorageFailed
from recoup.cli import (
    audit,
    codes,
    files,
    fitting,
    identities,
    judging,
    keys,
    models,
    packet,
    people,
    queue,
    reports,
    scoring,
    service,
    shadow,
    store,
    trail,
    upkeep,
    worker,
)
from recoup.cli.group import group_of_commands
from recoup.cli.options import settings

UNEXPECTED = 70
"""Exit code of a fault of our own (EX_SOFTWARE of sysexits.h)."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code.

    A failure is one line on standard error: no traceback, and of an unexpected one its kind and place only, because its text may
    hold what was read. `python -X dev -m recoup.cli` shows the whole of it.
    """
    written: list[Path] = []
    sys.exit(exit_code(lambda: program()(args=arguments, prog_name="recoup", obj=written), written))


def program() -> Callable[..., None]:
    """Return all commands."""
    app = group_of_commands("Rank written-off medical revenue by what recovering it is worth, say why, and what to do about it.")
    for group in (
        audit,
        codes,
        files,
        keys,
        fitting,
        judging,
        models,
        people,
        queue,
        reports,
        scoring,
        service,
        shadow,
        store,
        trail,
        upkeep,
        packet,
        identities,
        worker,
    ):
        group.add_to(app)
    return typer.main.get_command(app)


def exit_code(run: Callable[[], object], written: Sequence[Path] = ()) -> int:
    """Run, say what failed, and return the exit code; `written` are folders that it is told to write to.

    >>> exit_code(lambda: None)
    0
    """
    try:
        run()
        return 0
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0
    except KeyboardInterrupt:
        return 130
    except RecoupError as error:
        return _say(str(error), error.exit_code)
    except OSError as error:
        return _say(_disk(error, written), StorageFailed.exit_code)
    except MemoryError:
        return _say("not enough memory; score a part of the file, or use a larger machine", StorageFailed.exit_code)
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        return _say(f"unexpected {type(error).__name__} at {_where(error)}; please report this line", UNEXPECTED)


def _say(message: str, code: int) -> int:
    sys.stderr.write(f"recoup: {message}\n")
    return code


def _disk(error: OSError, written: Sequence[Path]) -> str:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        words = error.strerror or type(error).__name__
        return f"{error.filename}: {words}" if error.filename else words
    # A write that finds no room does not say where.
    return f"{error.filename}: the disk is full" if error.filename else f"the disk is full; {_least_room(written)}"


def _least_room(written: Sequence[Path]) -> str:
    places = [*written, Path(tempfile.gettempdir())]
    with suppress(RecoupError):
        places.append(settings().home)
    there = [next(folder for folder in (place.resolve(), *place.resolve().parents) if folder.is_dir()) for place in places]
    room = {folder: shutil.disk_usage(folder).free for folder in there}
    least = min(room, key=lambda folder: room[folder])
    return f"of the folders that are written to, {least} has the least room: {room[least] / 1e6:,.0f} MB"


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))
