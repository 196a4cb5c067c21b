"""Papers of work items in the store: read, written and told to the access log in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from features.errors import NotFound, RecoupError, Unavailable, UsageError
from serving.access import Identity
from serving.packet.case import Case
from serving.packet.compose import write_packet
from serving.packet.desk import Desk
from serving.packet.document import Packet
from serving.packet.stored import stored_cases
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
    """

    missing: tuple[str, ...] = ()
    refusal: str = ""


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
    """

    def __init__(self, store: Store, worklist: Worklist, *, desk: Desk, sight: Callable[[], Sight | None], tell: Tell) -> None:
        self._store, self._worklist, self._desk, self._sight, self._tell = store, worklist, desk, sight, tell

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

    def of_project(self, who: Identity, project_id: str, form: Format, *, is_worksheet: bool = False) -> bytes:
        """Return one letter for what a project still has to send; raises as `of_items`."""
        who.check("packet.read")
        waiting = [
            item
            for item in self._worklist.every(who, Query(Which.ALL, project_id=project_id))
            if item.state in (State.OPEN, State.NEXT_LEVEL, State.DRAFTED)
        ]
        with self._store.write() as unit:
            if projects.find(unit, who.client_id, project_id) is None:
                raise NotFound("there is no such project")
            if not waiting:
                raise UsageError("nothing of this project is left to be sent")
            return self._write(unit, who, waiting, form, is_worksheet)

    def of_writeoff(self, who: Identity, writeoff_id: str, form: Format, *, is_worksheet: bool = False) -> bytes:
        """Return the letter for the item that a write-off is in; raises as `of_items`."""
        who.check("packet.read")
        found = self._worklist.writeoff(who, writeoff_id)
        if not isinstance(found, Detail):
            raise UsageError("this write-off is in no work item, so there is nothing to ask the payer for")
        return self.of_items(who, [found.item.item_id], form, is_worksheet=is_worksheet)

    def outlook(self, detail: Detail) -> Outlook:
        """Return what the papers of an item would lack, without looking at any identity."""
        sight = self._sight()
        if sight is None:
            return Outlook(refusal="no rules are at hand")
        try:
            cases = stored_cases(sight.viewer, sight.vocabulary, detail.lines, detail.remits)
            return Outlook(write_packet(_one(cases), practice=self._desk.practice).missing)
        except RecoupError as error:
            return Outlook(refusal=str(error))

    def _write(self, unit: Unit, who: Identity, chosen: Sequence[Item], form: Format, is_worksheet: bool) -> bytes:
        sight, ids = self._sight(), [item.item_id for item in chosen]
        if sight is None:
            raise Unavailable("no rules are at hand")
        lines = _lines(unit, who.client_id, ids)
        claim = chosen[0].worth.claim_id if len(chosen) == 1 else None
        remits = remit_lines.of_claim(unit, who.client_id, claim) if claim is not None else ()
        cases = stored_cases(sight.viewer, sight.vocabulary, lines, remits)
        read: list[str] = []
        packet = self._desk.write(_one(cases), subject=who.subject, log=lambda reading: read.append(reading.patient_id))
        made = self._file(packet, form, is_worksheet)
        if read:
            self._tell(unit, who, "identity.read", read)
        self._tell(unit, who, "packet.read", [*ids, *packet.writeoff_ids][:1000])
        return made

    def _file(self, packet: Packet, form: Format, is_worksheet: bool) -> bytes:
        make = self._desk.pdf if form == "pdf" else self._desk.docx
        return make(packet, is_worksheet=is_worksheet)


def _lines(unit: Unit, client_id: str, item_ids: Sequence[str]) -> list[Line]:
    told = scores.of_items(unit, client_id, item_ids)
    rows = ledger.find(unit, client_id, [row["writeoff_id"] for row in told])
    place = {item_id: at for at, item_id in enumerate(item_ids)}
    told.sort(key=lambda row: (place[row["item_id"]], -row["expected_recovery"], row["writeoff_id"]))
    return [Line(rows[row["writeoff_id"]], row) for row in told]


def _one(cases: list[Case]) -> Case | list[Case]:
    return cases[0] if len(cases) == 1 else cases
