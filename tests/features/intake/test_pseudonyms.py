"""Patient ids as keyed hashes, and the key on disk."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import Misconfigured, StorageFailed
from features.intake.pseudonyms import Pseudonyms, is_hashed, load_or_create_key

KEY = bytes(range(32))


def test_a_hash_is_the_first_half_of_hmac_sha256() -> None:
    assert Pseudonyms(KEY).of("MRN-1") == "pt_" + hmac.new(KEY, b"MRN-1", hashlib.sha256).hexdigest()[:16]


def test_equal_ids_and_keys_give_equal_hashes_and_others_do_not() -> None:
    one, other = Pseudonyms(KEY), Pseudonyms(KEY[::-1])
    assert one.of("é") == Pseudonyms(KEY).of("é")
    assert len({one.of("1"), one.of("2"), other.of("1")}) == 3


def test_hashes_pass_and_lookalikes_do_not() -> None:
    names = Pseudonyms(KEY)
    hashed = names.of("1")
    assert names.of(hashed) == hashed
    assert not any(map(is_hashed, ("pt_123", "pt_0123456789ABCDEF", "x" + hashed, hashed + "\n", "1")))


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "patients"
    key = load_or_create_key(path)
    assert (len(key), load_or_create_key(path)) == (32, key)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [entry.name for entry in path.parent.iterdir()] == ["patients"]


def test_processes_that_start_at_once_get_one_key(tmp_path: Path) -> None:
    code = "import pathlib, sys; from features.intake import pseudonyms as p; print(p.load_or_create_key(pathlib.Path(sys.argv[1])).hex())"
    command = [sys.executable, "-c", code, str(tmp_path / "keys" / "patients")]
    running = [subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE) for _ in range(4)]
    assert len({process.communicate()[0] for process in running}) == 1


def test_keys_that_others_may_read_or_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "patients"
    path.write_text("00" * 32)
    path.chmod(0o644)
    with pytest.raises(Misconfigured, match=r"others may read this key \(mode 644\)"):
        load_or_create_key(path)
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(Misconfigured, match="not a key"):
        load_or_create_key(path)
    path.write_text("00")
    with pytest.raises(Misconfigured, match="has 1 bytes"):
        load_or_create_key(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed):
        load_or_create_key(tmp_path / "file" / "patients")
