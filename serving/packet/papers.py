"""Papers of work items in the store: read, written and told to the access log in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from features.errors import CheckFailed, NotFound, RecoupError, Unavailable, UsageError
from serving.access import Identity
from serving.packet.case import Case
from serving.packet.compose import write_packet
from serving.packet.desk import Desk
from serving.packet.document import Packet
from serving.packet.enclosures import Enclosure
from serving.packet.files import Files
from serving.packet.kinds import KIND_OF
from serving.packet.stored import Outdated, as_begun, as_queued, stored_cases
from serving.store import items, projects, remit_lines, scores
from serving.store import writeoffs as ledger
from serving.store.store import Store, Unit
from serving.worklist.detail import Detail, Line
from serving.worklist.item import Item, State
from serving.worklist.listing import Query, Which
from serving.worklist.sight import Sight
from serving.worklist.steering import Tell
from serving.worklist.worklist import Worklist

Format: TypeAlias = Literal["docx", "pdf"]

MEDIA = {"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "pdf": "application/pdf"}
"""What a browser is told of each format."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the papers of an item would be, before anybody asks for them.

    Parameters
    ----------
    missing
        What must be done before they may go out.
    refusal
        Why there are none; blank where there are.
    needs_coder
        A code, modifier or diagnosis may be changed, which only a coder signs off.
    """

    missing: tuple[str, ...] = ()
    refusal: str = ""
    needs_coder: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Items of a project that one letter can be about: those of one payer, remedy and reason (group and code)."""

    payer_id: str
    remedy: str
    group: str | None
    carc: str | None


class Papers:
    """Writes the papers of items, projects and write-offs for whoever may have them.

    Parameters
    ----------
    store, worklist
        Where items are kept, and their lists.
    desk
        Templates, letterhead and identities.
    sight
        Returns what the rules know just now; None where no rules are at hand.
    tell
        Writes the access log.
    files
        Files that people put behind letters; None: nobody can.
    """

    def __init__(
        self,
        store: Store,
        worklist: Worklist,
        *,
        desk: Desk,
        sight: Callable[[], Sight | None],
        tell: Tell,
        files: Files | None = None,
    ) -> None:
        self._store, self._worklist, self._desk, self._sight, self._tell = store, worklist, desk, sight, tell
        self.files = files

    def of_items(self, who: Identity, item_ids: Sequence[str], form: Format, *, is_worksheet: bool = False) -> bytes:
        """Return the letter for some items, or the worksheet for the staff: of one, or one letter for all.

        Raises
        ------
        NotFound
            When an item is not there, or not theirs to see.
        Forbidden
            When a rule forbids the letter.
        UsageError
            When the remedy has no letter, or the items do not fit into one: of one payer, remedy and reason.
        """
        who.check("packet.read")
        with self._store.write() as unit:
            found = items.find_many(unit, who.client_id, item_ids)
            seen = [found[key] for key in dict.fromkeys(item_ids) if key in found]
            if len(seen) < len(set(item_ids)) or not all(who.sees(item.client_id, item.worth.facility_id) for item in seen):
                raise NotFound("there is no such item")
            return self._write(unit, who, seen, form, is_worksheet)

    def of_project(self, who: Identity, project_id: str, form: Format, *, part: Part | None = None, is_worksheet: bool = False) -> bytes:
        """Return one letter for what a project, or a part of it, still has to send; raises as `of_items`."""
        who.check("packet.read")
        waiting = self._waiting(who, project_id)
        with self._store.write() as unit:
            if part is not None:
                parts = _parts(unit, waiting)
                waiting = [item for item in waiting if parts[item.item_id] == part]
            if projects.find(unit, who.client_id, project_id) is None:
                raise NotFound("there is no such project")
            if not waiting:
                raise UsageError("nothing of this project is left to be sent")
            return self._write(unit, who, waiting, form, is_worksheet)

    def parts_of(self, who: Identity, project_id: str) -> list[tuple[Part, int, Outlook]]:
        """Return the letters that a project needs for what it still has to send, the largest first: how many items each is about, and
        what it would lack."""
        who.check("packet.read")
        waiting, found = self._waiting(who, project_id), dict[Part, list[Item]]()
        with self._store.read() as unit:
            parts = _parts(unit, waiting)
        for item in waiting:
            found.setdefault(parts[item.item_id], []).append(item)
        listed = sorted(found.items(), key=lambda held: (-len(held[1]), str(held[0])))
        return [(part, len(held), self._outlook_of(held)) for part, held in listed]

    def _waiting(self, who: Identity, project_id: str) -> list[Item]:
        listed = self._worklist.every(who, Query(Which.ALL, project_id=project_id))
        return [item for item in listed if item.state in (State.OPEN, State.NEXT_LEVEL, State.DRAFTED)]

    def of_writeoff(self, who: Identity, writeoff_id: str, form: Format, *, is_worksheet: bool = False) -> bytes:
        """Return the letter for the item that a write-off is in; raises as `of_items`."""
        who.check("packet.read")
        found = self._worklist.writeoff(who, writeoff_id)
        if not isinstance(found, Detail):
            raise UsageError("this write-off is in no work item, so there is nothing to ask the payer for")
        return self.of_items(who, [found.item.item_id], form, is_worksheet=is_worksheet)

    def outlook(self, detail: Detail) -> Outlook:
        """Return what the papers of an item would lack, without looking at any identity."""
        with self._store.read() as unit:
            preface = _preface(unit, [detail.item])
        return self._outlook([detail.item], detail.lines, detail.remits, preface)

    def check_coder(self, detail: Detail, coder: str | None) -> None:
        """Let nothing be sent that changes a code, modifier or diagnosis before a coder has signed; raises CheckFailed."""
        if not coder and self.outlook(detail).needs_coder:
            raise CheckFailed("it may change a code, modifier or diagnosis: name the coder who has signed that off")

    def _outlook_of(self, chosen: Sequence[Item]) -> Outlook:
        with self._store.read() as unit:
            lines = _lines(unit, chosen[0].client_id, [item.item_id for item in chosen])
            preface = _preface(unit, chosen)
        return self._outlook(chosen, lines, (), preface)

    def _outlook(self, chosen: Sequence[Item], lines: Sequence[Line], remits: Sequence[Mapping[str, Any]], preface: str) -> Outlook:
        # Where nobody can say what the sheet would change, the coder is asked for: what cannot be looked at is not waved through.
        is_unsure = _may_change_codes(item.remedy for item in chosen)
        sight = self._sight()
        if sight is None:
            return Outlook(refusal="no rules are at hand", needs_coder=is_unsure)
        try:
            cases = _queued(sight, lines, remits, chosen)
            packet = write_packet(_one(cases), practice=self._desk.practice, preface=preface)
            return Outlook(packet.missing, needs_coder=packet.needs_coder)
        except Outdated as error:
            return Outlook(refusal=str(error), needs_coder=is_unsure or _may_change_codes(error.remedies))
        except RecoupError as error:
            return Outlook(refusal=str(error), needs_coder=is_unsure)

    def _write(self, unit: Unit, who: Identity, chosen: Sequence[Item], form: Format, is_worksheet: bool) -> bytes:
        sight, ids = self._sight(), [item.item_id for item in chosen]
        if sight is None:
            raise Unavailable("no rules are at hand")
        lines = _lines(unit, who.client_id, ids)
        claim = chosen[0].worth.claim_id if len(chosen) == 1 else None
        remits = remit_lines.of_claim(unit, who.client_id, claim) if claim is not None else ()
        cases = _queued(sight, lines, remits, chosen)
        read: list[str] = []
        held = self.files.behind(unit, who.client_id, ids, [item.worth.claim_id for item in chosen]) if self.files is not None else []
        packet = self._desk.write(
            _one(cases),
            subject=who.subject,
            log=lambda reading: read.append(reading.patient_id),
            attachments=[enclosure.title for _, enclosure in held],
            preface=_preface(unit, chosen),
        )
        made = self._file(packet, form, [enclosure for _, enclosure in held], is_worksheet)
        if read:
            self._tell(unit, who, "identity.read", read)
        self._tell(unit, who, "packet.read", [*ids, *(enclosure_id for enclosure_id, _ in held), *packet.writeoff_ids][:1000])
        return made

    def _file(self, packet: Packet, form: Format, enclosures: Sequence[Enclosure], is_worksheet: bool) -> bytes:
        if form == "docx":
            return self._desk.docx(packet, is_worksheet=is_worksheet)
        return self._desk.pdf(packet, enclosures, is_worksheet=is_worksheet)


def _lines(unit: Unit, client_id: str, item_ids: Sequence[str]) -> list[Line]:
    told = scores.of_items(unit, client_id, item_ids)
    rows = ledger.find(unit, client_id, [row["writeoff_id"] for row in told])
    place = {item_id: at for at, item_id in enumerate(item_ids)}
    told.sort(key=lambda row: (place[row["item_id"]], -row["expected_recovery"], row["writeoff_id"]))
    return [Line(rows[row["writeoff_id"]], row) for row in told]


def _may_change_codes(remedies: Iterable[str]) -> bool:
    return any(KIND_OF.get(remedy) == "corrected_claim" for remedy in remedies)


def _queued(sight: Sight, lines: Sequence[Line], remits: Sequence[Mapping[str, Any]], chosen: Sequence[Item]) -> list[Case]:
    """Return the cases of some lines, each as its item stands in the queue."""
    by_id = {item.item_id: item for item in chosen}
    held = [by_id[line.score["item_id"]] for line in lines]
    begun = [as_begun(line, item) for line, item in zip(lines, held, strict=True)]
    cases = stored_cases(sight.viewer, sight.vocabulary, begun, remits)
    # The queue's last day is that of what is open now; of what went out before the first level was decided it is that of its own.
    return [
        case if item.level == 1 and line.score["remedy"] != item.remedy else as_queued(case, item)
        for case, item, line in zip(cases, held, lines, strict=True)
    ]


def _parts(unit: Unit, chosen: Sequence[Item]) -> dict[str, Part]:
    """Return which letter each item belongs to, by the write-off of it that is expected to bring most."""
    if not chosen:
        return {}
    reasons: dict[str, tuple[str | None, str | None]] = {}
    for line in _lines(unit, chosen[0].client_id, [item.item_id for item in chosen]):
        reasons.setdefault(line.score["item_id"], (line.writeoff["group_code"], line.writeoff["carc"]))
    return {item.item_id: Part(item.worth.payer_id, item.remedy, *reasons.get(item.item_id, (None, item.worth.carc))) for item in chosen}


def _preface(unit: Unit, chosen: Sequence[Item]) -> str:
    """Return the words of the project that all of these items are in; blank where there is no such one."""
    held = {item.project_id for item in chosen}
    project_id = held.pop() if len(held) == 1 else None
    project = projects.find(unit, chosen[0].client_id, project_id) if project_id is not None else None
    return project.template if project is not None else ""


def _one(cases: list[Case]) -> Case | list[Case]:
    return cases[0] if len(cases) == 1 else cases
