"""Code that several compile at once, into one folder."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from features.native import compiled


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A C file."""
    path = tmp_path / "one.c"
    path.write_text("int one(void) { return 1; }\n")
    return path


def use_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str) -> None:
    """Let `cc` be one that compiles into `$out`, the last of what it is given, and then does something."""
    bin = tmp_path / "bin"
    bin.mkdir()
    (bin / "cc").write_text(f'#!/bin/sh\n{shutil.which("cc")} "$@" || exit 1\nfor out; do :; done\n{then}\n')
    (bin / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", str(bin), prepend=":")


def test_two_of_one_process_id_compile_into_files_of_their_own(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each waits until both have compiled, for ten seconds at most.
    wait = f'echo "$out" >> {tmp_path}/log\nfor i in $(seq 100); do [ $(wc -l < {tmp_path}/log) = 2 ] && break; sleep .1; done'
    use_compiler(tmp_path, monkeypatch, wait)
    folder, both = tmp_path / "code", threading.Barrier(2, timeout=60)
    folder.mkdir()

    def one(_: int) -> int:
        both.wait()
        # What is remembered is for a process; here are two in one.
        code = compiled.__wrapped__(source, folder)
        return int(code.one()) if code is not None else 0

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(one, range(2))) == [1, 1]
    names = (tmp_path / "log").read_text().split()
    assert len(names) == 2 and len(set(names)) == 2
    assert [path.suffix for path in folder.iterdir()] == [".so"]


def test_who_fails_takes_what_somebody_else_compiled_meanwhile(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_compiler(tmp_path, monkeypatch, 'mv "$out" "${out%.*}.so"\nexit 1')
    (tmp_path / "code").mkdir()
    code = compiled(source, tmp_path / "code")
    assert code is not None and code.one() == 1


def test_who_fails_alone_has_nothing_and_leaves_nothing(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_compiler(tmp_path, monkeypatch, "exit 1")
    (tmp_path / "code").mkdir()
    assert compiled(source, tmp_path / "code") is None
    assert list((tmp_path / "code").iterdir()) == []
