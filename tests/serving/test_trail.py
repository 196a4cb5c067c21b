"""The chain of the access log: what holds, and that no change to it stays unseen."""

from __future__ import annotations

import random
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from features.errors import BadData, CheckFailed, Misconfigured, StorageFailed
from serving.trail import Act, Chain, Head, HeadFile, Line

KEY = b"k" * 32
CHAIN = Chain(KEY)


def act(number: int, **changes: Any) -> Act:
    known = Act(
        at=1_700_000_000_000_000 + number, subject=f"person:{number % 3}", client_id="default", action="writeoff.read", ids=(f"W{number}",)
    )
    return replace(known, **changes)


def written(count: int, chain: Chain = CHAIN) -> list[Line]:
    first = Line(0, (), chain.start.mac)
    lines = accumulate(range(count), lambda line, number: chain.link(head_of(line), act(number)), initial=first)
    return list(lines)[1:]


def head_of(line: Line) -> Head:
    return Head(line.sequence, line.mac)


def test_what_was_written_holds() -> None:
    lines = written(40)
    verdict = CHAIN.verify(lines, known=[head_of(lines[-1])])
    assert verdict.holds and verdict.lines == 40 and verdict.head == head_of(lines[-1])
    # A head that was copied before the last lines were written is passed on the way.
    assert CHAIN.verify(lines, known=[head_of(lines[10])]).holds
    assert CHAIN.verify([], known=[CHAIN.start]).holds and CHAIN.verify([]).lines == 0


def chained_anew(lines: list[Line], key: bytes) -> list[Line]:
    """What somebody without the key can do: chain the acts with another one."""
    forged, chain = [], Chain(key)
    head = chain.start
    for line in lines:
        forged.append(chain.link(head, line.act()))
        head = head_of(forged[-1])
    return forged


def edit(lines: list[Line], dice: random.Random) -> list[Line]:
    place = dice.randrange(len(lines))
    old = lines[place].act()
    changed = dice.choice(
        [
            replace(old, at=old.at + 1),
            replace(old, subject="person:eve"),
            replace(old, client_id="other"),
            replace(old, action="queue.read"),
            replace(old, ids=()),
            replace(old, ids=(*old.ids, "")),
            replace(old, origin="elsewhere"),
            replace(old, outcome="refused"),
            replace(old, purpose="none"),
        ]
    )
    return [*lines[:place], replace(lines[place], fields=changed.fields()), *lines[place + 1 :]]


def delete(lines: list[Line], dice: random.Random) -> list[Line]:
    place = dice.randrange(len(lines) - 1)
    kept = lines[:place] + lines[place + 1 :]
    # Half of them close the gap in the numbers.
    return [replace(line, sequence=number) for number, line in enumerate(kept, 1)] if dice.random() < 0.5 else kept


def reorder(lines: list[Line], dice: random.Random) -> list[Line]:
    first, second = sorted(dice.sample(range(len(lines)), 2))
    swapped = list(lines)
    swapped[first] = replace(lines[second], sequence=first + 1)
    swapped[second] = replace(lines[first], sequence=second + 1)
    return swapped


def truncate(lines: list[Line], dice: random.Random) -> list[Line]:
    return lines[: dice.randrange(len(lines))]


def rechain(lines: list[Line], dice: random.Random) -> list[Line]:
    return chained_anew(lines, dice.randbytes(32))


TAMPERINGS: tuple[Callable[[list[Line], random.Random], list[Line]], ...] = (edit, delete, reorder, truncate, rechain)


@pytest.mark.parametrize("tamper", TAMPERINGS)
@pytest.mark.parametrize("seed", range(8))
def test_every_tampering_is_found(tamper: Callable[[list[Line], random.Random], list[Line]], seed: int) -> None:
    lines = written(30)
    tampered = tamper(lines, random.Random(seed))
    assert tampered != lines
    verdict = CHAIN.verify(tampered, known=[head_of(lines[-1])])
    assert not verdict.holds and verdict.lines < 30
    # All lines before the fault are still believed.
    assert verdict.head == (head_of(lines[verdict.lines - 1]) if verdict.lines else CHAIN.start)


def test_a_line_of_another_log_does_not_fit() -> None:
    mine, other = written(5), written(5, Chain(b"o" * 32))
    assert CHAIN.verify([*mine[:3], other[3], mine[4]]).lines == 3


def test_acts_that_read_alike_chain_apart() -> None:
    pairs = [
        (act(1, ids=("a", "b")), act(1, ids=("a,b",))),
        (act(1, subject="a", client_id="bc"), act(1, subject="ab", client_id="c")),
        (act(1, purpose="\u00e9"), act(1, purpose="e\u0301")),
        (act(1, ids=()), act(1, ids=("",))),
    ]
    for one, two in pairs:
        assert CHAIN.link(CHAIN.start, one).mac != CHAIN.link(CHAIN.start, two).mac


@pytest.mark.parametrize("changes", [{"mac": "text"}, {"sequence": "2"}, {"fields": (b"",)}])
def test_what_is_of_another_type_is_a_fault_and_no_failure(changes: dict[str, Any]) -> None:
    first, second = written(2)
    verdict = CHAIN.verify([first, replace(second, **changes)])
    assert not verdict.holds and verdict.lines == 1


def test_an_act_comes_back_as_it_was_told() -> None:
    told = act(3, ids=("W1", "W,2", '"'), purpose="audit of \u00c5se's queue", outcome="refused")
    assert CHAIN.link(CHAIN.start, told).act() == told


def test_a_head_file_moves_on_and_never_back(tmp_path: Path) -> None:
    file, heads = HeadFile(tmp_path / "kept" / "trail.head", CHAIN), [head_of(line) for line in written(12)]
    assert file.read() is None
    for head in (CHAIN.start, heads[3]):
        file.begin(head)
        assert file.read() == CHAIN.start
    for head in (heads[8], heads[3], heads[11], heads[9]):
        file.note(head)
    assert file.read() == heads[11]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "kept").iterdir()] == [0o600]


@pytest.mark.parametrize("text", ["", "nothing", *(start + " " + "a" * 64 + " " + "b" * 64 + "\n" for start in ("0" * 20, "9" * 20))])
def test_a_head_file_that_somebody_else_wrote_is_refused_and_left(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trail.head"
    path.write_text(text)
    file = HeadFile(path, CHAIN)
    for act_on in (file.read, lambda: file.note(head_of(written(1)[0]))):
        with pytest.raises(CheckFailed, match="not written with its key"):
            act_on()
    file.begin(CHAIN.start)
    assert path.read_text() == text


def test_a_head_file_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="No such file"):
        HeadFile(tmp_path / "trail.head", CHAIN).note(head_of(written(1)[0]))
    assert not list(tmp_path.iterdir())


def test_many_who_note_at_once_keep_the_last_head(tmp_path: Path) -> None:
    file, heads = HeadFile(tmp_path / "trail.head", CHAIN), [head_of(line) for line in written(40)]
    file.begin(CHAIN.start)
    threads = [threading.Thread(target=file.note, args=(head,)) for head in heads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read() == heads[-1]


def test_a_head_is_sealed_by_the_key() -> None:
    head = head_of(written(3)[-1])
    assert CHAIN.seal(head) != Chain(b"o" * 32).seal(head)
    assert CHAIN.seal(head) != CHAIN.seal(replace(head, sequence=2))


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": ""},
        {"client_id": ""},
        {"action": ""},
        {"origin": ""},
        {"outcome": "maybe"},
        {"ids": tuple("x" * 1001)},
        {"purpose": "x" * 301},
        {"purpose": "two\nlines"},
        {"ids": ("\ud800",)},
        {"subject": "nul\x00"},
    ],
)
def test_an_act_is_whole_and_bounded(changes: dict[str, object]) -> None:
    with pytest.raises(BadData, match="an act of the access log"):
        act(1, **changes)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(Misconfigured, match="has 5 bytes; at least 32"):
        Chain(b"short")
