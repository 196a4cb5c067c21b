"""`/v1/queue`: lists, turns and acts on items. Routes translate; what may be done is in `serving.worklist`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias, TypeVar

from fastapi import FastAPI, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel

from features.errors import UsageError
from serving.access import Identity
from serving.api.asking import described, read_body
from serving.api.bodies import Body
from serving.api.identity import require
from serving.api.once import Changing, Once, Told
from serving.api.problems import Problem
from serving.packet.papers import Papers
from serving.store.store import Store, Unit
from serving.wire.fields import LONGEST_ID
from serving.wire.items import (
    AssignAsked,
    DispositionAsked,
    ItemTold,
    NextAsked,
    NextTold,
    QueueAsked,
    QueueTold,
    ReleaseAsked,
    SkipAsked,
    SnoozeAsked,
    Taken,
    WakeAsked,
    WireItem,
)
from serving.wire.steering import NoteAsked, PlaceAsked
from serving.wire.writeoffs import DetailTold
from serving.worklist.desk import Desk
from serving.worklist.item import Item
from serving.worklist.worklist import Worklist

Route = TypeVar("Route", bound=Callable[..., Any])
ItemId: TypeAlias = Annotated[str, Path(min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["5f0c2ab19d3e4471"])]
_CHANGED: dict[int | str, dict[str, Any]] = {
    404: {"description": "there is no such item, or it is not the caller's to see"},
    409: {"description": "changed meanwhile, held by somebody else, or not possible in its state; the words say which"},
}


def add_worklist(app: FastAPI, store: Store, worklist: Worklist, papers: Papers | None = None) -> None:
    """Add the routes; `papers` knows what a coder must sign before it is sent."""
    _add_lists(app, worklist)
    _add_turns(app, store, worklist)
    _add_acts(app, _Acts(store, worklist), papers)


def _add_lists(app: FastAPI, worklist: Worklist) -> None:
    @app.get("/v1/queue", response_model=QueueTold, summary="List items", tags=["queue"])
    def queue(who: Annotated[Identity, require("queue.read")], asked: Annotated[QueueAsked, Query()]) -> QueueTold:
        """List items, page by page: `after` is the `next` of the page before. Sums of the whole list come with `totals=true`."""
        query = asked.query()
        page = worklist.page(who, query)
        return QueueTold.of(page, worklist.totals(who, query) if asked.totals else None)

    @app.get("/v1/queue/{item_id}", response_model=DetailTold, summary="Read an item", tags=["queue"], responses={404: _CHANGED[404]})
    def item(who: Annotated[Identity, require("writeoff.read")], item_id: ItemId) -> DetailTold:
        """Read an item with its write-offs, scores, reasons, guards, efforts, story, remittances and past cases that are alike."""
        return DetailTold.of(worklist.detail(who, item_id))


def _add_turns(app: FastAPI, store: Store, worklist: Worklist) -> None:
    @app.post(
        "/v1/queue/next",
        response_model=NextTold,
        summary="Take the next item",
        tags=["queue"],
        openapi_extra=described(NextAsked, {"payer_id": "AETNA", "batch": 10}),
    )
    def take_next(who: Annotated[Identity, require("queue.work")], once: Once, body: Body) -> Response:
        """Take the item that is worth most per hour and hold it for the minutes of a lease; `taken` is empty when nothing waits."""
        asked = read_body(body, NextAsked)
        if (asked.batch is not None and asked.payer_id is None) or (asked.same_reason and asked.batch is None):
            raise Problem(422, "a batch is of one payer: send payer_id with batch, and same_reason only with a batch")

        def act(unit: Unit) -> Told:
            with worklist.desk_in(unit, who) as desk:
                if asked.batch is not None:
                    offers = desk.take_batch(asked.payer_id or "", most=asked.batch, same_reason=asked.same_reason)
                else:
                    offer = desk.take_next(payer_id=asked.payer_id, carc=asked.carc, remedy=asked.remedy, project_id=asked.project_id)
                    offers = [offer] if offer is not None else []
            return Told(200, NextTold(taken=[Taken.of(offer) for offer in offers]).model_dump(mode="json"))

        return once.change(store, who, body, act)


class _Acts:
    """Makes acts on one item, each in one transaction and once under its Idempotency-Key."""

    def __init__(self, store: Store, worklist: Worklist) -> None:
        self._store, self.worklist = store, worklist

    def __call__(
        self,
        who: Identity,
        once: Changing,
        body: bytes,
        act: Callable[[Desk], Item],
        action: str = "queue.work",
        before: Callable[[Unit], None] | None = None,
    ) -> Response:
        """Make an act and answer the item after it; `before` may refuse it."""

        def changed(unit: Unit) -> Told:
            with self.worklist.desk_in(unit, who, action) as desk:
                if before is not None:
                    before(unit)
                item = act(desk)
            return Told(200, ItemTold(item=WireItem.of(item)).model_dump(mode="json"))

        try:
            return once.change(self._store, who, body, changed)
        except UsageError as error:
            # Of the form that is described, and still not to be done: a day too far ahead, a sum of nothing.
            raise Problem(422, str(error)) from None


def _add_acts(app: FastAPI, acts: _Acts, papers: Papers | None) -> None:
    def route(path: str, summary: str, model: type[BaseModel], example: dict[str, Any]) -> Callable[[Route], Route]:
        extra = described(model, example)
        return app.post(path, response_model=ItemTold, summary=summary, tags=["queue"], responses=_CHANGED, openapi_extra=extra)

    @route("/v1/queue/{item_id}/release", "Give an item back", ReleaseAsked, {"version": 4})
    def release(who: Annotated[Identity, require("queue.work")], item_id: ItemId, once: Once, body: Body) -> Response:
        """Give an item back before its lease ends."""
        asked = read_body(body, ReleaseAsked)
        return acts(who, once, body, lambda desk: desk.release(item_id, asked.version))

    @route("/v1/queue/{item_id}/assign", "Give an item to somebody", AssignAsked, {"version": 4, "to": "person:ana"})
    def assign(who: Annotated[Identity, require("queue.assign")], item_id: ItemId, once: Once, body: Body) -> Response:
        """Give an item to somebody, who is offered it first, or with `to` null to nobody."""
        asked = read_body(body, AssignAsked)
        return acts(who, once, body, lambda desk: desk.assign(item_id, asked.version, asked.to), "queue.assign")

    @route("/v1/queue/{item_id}/project", "Put an item into a project", PlaceAsked, {"version": 4, "project_id": "9f86d081884c7d65"})
    def place(who: Annotated[Identity, require("queue.assign")], item_id: ItemId, once: Once, body: Body) -> Response:
        """Put an item into a project that goes on, or with `project_id` null out of the one that it is in."""
        asked = read_body(body, PlaceAsked)

        def check(unit: Unit) -> None:
            acts.worklist.steering.check_open(unit, who, asked.project_id)

        return acts(who, once, body, lambda desk: desk.set_project(item_id, asked.version, asked.project_id), "queue.assign", check)

    @route("/v1/queue/{item_id}/notes", "Add a note", NoteAsked, {"text": "asked the front desk for the referral", "is_call": False})
    def note(who: Annotated[Identity, require("queue.work")], item_id: ItemId, once: Once, body: Body) -> Response:
        """Add a line to an item's story."""
        asked = read_body(body, NoteAsked)
        return acts(who, once, body, lambda desk: desk.note(item_id, asked.text, is_call=asked.is_call))

    @route("/v1/queue/{item_id}/skip", "Leave an item out", SkipAsked, {"version": 4, "reason": "documents_missing", "note": "no record"})
    def skip(who: Annotated[Identity, require("queue.work")], item_id: ItemId, once: Once, body: Body) -> Response:
        """Leave an item out of the queue, with a reason."""
        asked = read_body(body, SkipAsked)
        return acts(who, once, body, lambda desk: desk.skip(item_id, asked.version, asked.reason, asked.note))

    @route("/v1/queue/{item_id}/snooze", "Put an item off", SnoozeAsked, {"version": 4, "until": "2026-12-01"})
    def snooze(who: Annotated[Identity, require("queue.work")], item_id: ItemId, once: Once, body: Body) -> Response:
        """Offer an item again from a day on."""
        asked = read_body(body, SnoozeAsked)
        return acts(who, once, body, lambda desk: desk.snooze(item_id, asked.version, asked.until, asked.note))

    @route("/v1/queue/{item_id}/wake", "Wake an item", WakeAsked, {"version": 4})
    def wake(who: Annotated[Identity, require("queue.work")], item_id: ItemId, once: Once, body: Body) -> Response:
        """Offer an item that was put off again at once."""
        asked = read_body(body, WakeAsked)
        return acts(who, once, body, lambda desk: desk.wake(item_id, asked.version))

    sent = {"version": 4, "act": "send", "follow_up_date": "2026-12-15", "channel": "portal", "reference_number": "A-17", "hours": 0.5}

    @route("/v1/queue/{item_id}/disposition", "Say what was done, or what came of it", DispositionAsked, sent)
    def disposition(who: Annotated[Identity, require("queue.work")], item_id: ItemId, once: Once, body: Body) -> Response:
        """Say what was done with an item, or what came of it: begun, sent, asked, won, lost, next level, given up, brought back, undone; of
        what was won, that the payer took some of it back or paid more."""
        asked = read_body(body, DispositionAsked)
        if asked.act == "send" and papers is not None:
            papers.check_coder(acts.worklist.detail(who, item_id), asked.coder)
        return acts(who, once, body, lambda desk: dispose(desk, item_id, asked))


def dispose(desk: Desk, item_id: str, asked: DispositionAsked) -> Item:
    """Do what a disposition says.

    Raises
    ------
    UsageError
        When it lacks what its act needs.
    """
    version, decided, hours = asked.version, asked.decided_date, asked.hours
    if asked.note:
        desk.note(item_id, asked.note)
    if asked.act in ("send", "follow_up"):
        if asked.follow_up_date is None:
            raise UsageError(f"{asked.act} needs follow_up_date: the day to ask again")
        if asked.act == "follow_up":
            return desk.follow_up(item_id, version, again_on=asked.follow_up_date, hours=hours)
        words = {"channel": asked.channel, "reference": asked.reference_number, "argument": asked.argument, "coder": asked.coder}
        return desk.send(item_id, version, follow_up_on=asked.follow_up_date, sent_on=asked.sent_date, hours=hours, **words)
    if asked.act == "win":
        if (asked.amount is None) == (asked.amounts is None):
            raise UsageError("win needs amount, the dollars of the whole item, or amounts by write-off")
        cents = asked.amount if asked.amount is not None else asked.amounts or {}
        return desk.win(item_id, version, cents=cents, decided_on=decided, hours=hours, settled=asked.settled)
    if asked.act in ("take_back", "pay_again"):
        if asked.amount is None:
            raise UsageError(f"{asked.act} needs amount, the dollars of the whole item")
        change = desk.take_back if asked.act == "take_back" else desk.pay_again
        return change(item_id, version, cents=asked.amount, on=decided)
    if asked.act == "lose":
        return desk.lose(item_id, version, decided_on=decided, expired=asked.expired, hours=hours)
    if asked.act == "next_level":
        return desk.next_level(item_id, version, decided_on=decided, hours=hours)
    if asked.act == "close":
        if asked.reason is None:
            raise UsageError("close needs a reason")
        return desk.close(item_id, version, asked.reason)
    acts: dict[str, Callable[[str, int], Item]] = {"draft": desk.draft, "reopen": desk.reopen, "undo": desk.undo}
    return acts[asked.act](item_id, version)
