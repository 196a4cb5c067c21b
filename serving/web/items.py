"""Pages of one item: what to do and why, and the forms that say what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import FastAPI, Path, Request
from fastapi.responses import Response

from features.errors import CheckFailed, RecoupError, UsageError
from serving.access import Identity
from serving.identity.visits import Visit
from serving.web.details import page_of
from serving.web.forms import Fields
from serving.web.site import Site
from serving.web.visitors import Form, visitor
from serving.worklist.desk import Desk
from serving.worklist.item import Item, State
from serving.worklist.listing import Query, Which

ItemId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]

Act = Callable[[Desk, str, Fields], Item]
"""Does something to an item as a form says it."""


def _send(desk: Desk, item_id: str, form: Fields) -> Item:
    return desk.send(
        item_id,
        form.number("version"),
        follow_up_on=form.needed_day("follow_up_on"),
        sent_on=form.day("sent_on"),
        channel=form.text("channel", 40) or None,
        reference=form.text("reference", 80) or None,
        hours=form.hours(),
    )


def _win(desk: Desk, item_id: str, form: Fields) -> Item:
    day = form.day("decided_on")
    return desk.win(item_id, form.number("version"), cents=form.cents("amount"), decided_on=day, settled=form.is_on("settled"))


def _note(desk: Desk, item_id: str, form: Fields) -> Item:
    kind = form.text("kind", 10) or "note"
    if kind not in NOTES:
        raise UsageError(f"a note is one of {', '.join(NOTES)}")
    return desk.note(item_id, form.text("text", 2000), is_call=kind == "call", facts={"kind": kind})


NOTES = {"note": "note", "call": "call with the payer", "disagree": "disagrees with a reason", "needs": "information is missing"}
"""Kinds of notes."""

ACTS: Mapping[str, Act] = {
    "take": lambda desk, item_id, form: desk.take(item_id, form.number("version")),
    "release": lambda desk, item_id, form: desk.release(item_id, form.number("version")),
    "draft": lambda desk, item_id, form: desk.draft(item_id, form.number("version")),
    "send": _send,
    "follow_up": lambda desk, item_id, form: desk.follow_up(
        item_id, form.number("version"), again_on=form.needed_day("again_on"), text=form.text("text", 500), hours=form.hours()
    ),
    "win": _win,
    "lose": lambda desk, item_id, form: desk.lose(
        item_id, form.number("version"), decided_on=form.day("decided_on"), expired=form.is_on("expired")
    ),
    "next_level": lambda desk, item_id, form: desk.next_level(item_id, form.number("version"), decided_on=form.day("decided_on")),
    "skip": lambda desk, item_id, form: desk.skip(item_id, form.number("version"), form.text("reason", 40), form.text("text", 500)),
    "snooze": lambda desk, item_id, form: desk.snooze(item_id, form.number("version"), form.needed_day("until"), form.text("text", 500)),
    "close": lambda desk, item_id, form: desk.close(item_id, form.number("version"), form.text("reason", 40), form.text("text", 500)),
    "reopen": lambda desk, item_id, form: desk.reopen(item_id, form.number("version"), form.text("text", 500)),
    "note": _note,
    "undo": lambda desk, item_id, form: desk.undo(item_id, form.number("version")),
    "assign": lambda desk, item_id, form: desk.assign(item_id, form.number("version"), form.text("to", 100) or None),
}
"""What the forms of a page do, by the last part of their address."""

NEXT = frozenset(("send", "follow_up", "skip", "snooze", "close", "lose", "win"))
"""Acts that end the work on an item for now: the next one opens."""

_ACTION = {"assign": "queue.assign", "reopen": "queue.work"}


def add_items(app: FastAPI, site: Site) -> None:
    """Add the pages of items."""
    worklist = site.worklist

    @app.get("/items/{item_id}", include_in_schema=False)
    def item(request: Request, item_id: ItemId, visit: Annotated[Visit, visitor("writeoff.read")]) -> Response:
        return show(request, visit, item_id)

    @app.post("/items/{item_id}/{act}", include_in_schema=False)
    def change(
        request: Request,
        item_id: ItemId,
        act: Annotated[str, Path(max_length=20)],
        visit: Annotated[Visit, visitor("queue.work")],
        form: Form,
    ) -> Response:
        if act not in ACTS:
            return site.message(request, visit, 404, "there is no such page")
        try:
            with worklist.desk(visit.identity, _ACTION.get(act, "queue.work")) as desk:
                after = ACTS[act](desk, item_id, form)
        except CheckFailed as error:
            # Somebody was first, or holds it: say who, and show both what is now and what was sent.
            return show(request, visit, item_id, status=409, conflict=str(error), yours=_sent(act, form))
        except RecoupError as error:
            return show(request, visit, item_id, status=error.http_status, conflict=str(error), yours=_sent(act, form))
        return go_on(visit.identity, act, form, after)

    def go_on(who: Identity, act: str, form: Fields, after: Item) -> Response:
        said = {"take": "taken", "release": "released"}.get(act, act)
        if act in NEXT:
            return site.go(following(who, form.text("was", 20), after), said, item_id=after.item_id, version=after.version)
        if act in ("release", "draft"):
            return site.go("/queue", said, item_id=after.item_id if act == "draft" else "", version=after.version)
        return site.go(f"/items/{after.item_id}", said, item_id=after.item_id, version=after.version)

    def following(who: Identity, was: str, done: Item) -> str:
        """Return the page that opens after an item: the next one to ask about, the next of the batch, or the best that waits."""
        if was == State.SENT.value:
            own = replace(Query(Which.FOLLOW_UP), assigned_to=who.subject, size=1)
            found = worklist.page(who, replace(own, payer_id=done.worth.payer_id)).items or worklist.page(who, own).items
            return f"/items/{found[0].item_id}" if found else "/follow-ups"
        held = worklist.held(who, payer_id=done.worth.payer_id) or worklist.held(who)
        if held:
            return f"/items/{held[0].item_id}"
        offer = worklist.take_next(who)
        return f"/items/{offer.item.item_id}" if offer is not None else "/queue"

    def show(request: Request, visit: Visit, item_id: str, *, status: int = 200, conflict: str = "", yours: str = "") -> Response:
        who = visit.identity
        try:
            detail = worklist.detail(who, item_id)
        except RecoupError as error:
            return site.message(request, visit, error.http_status, str(error))
        page = page_of(
            detail,
            subject=who.subject,
            is_lead=who.may("queue.assign"),
            names=site.names(who.client_id),
            now=site.clock(),
            today=site.today(),
            codes=site.codes(),
        )
        is_waiting = detail.item.state in (State.OPEN, State.NEXT_LEVEL) and not page.row.is_mine and not page.held_by
        offered = frozenset(("take",)) if is_waiting and who.may("queue.work") else frozenset[str]()
        if not who.may("queue.work"):
            offered = frozenset()
        return site.page(
            request,
            visit,
            "item.html.j2",
            status=status,
            page=page,
            offered=offered,
            conflict=conflict,
            yours=yours,
            back="/queue",
            papers=site.papers.outlook(detail) if site.papers is not None and who.may("packet.read") else None,
        )


def _sent(act: str, form: Fields) -> str:
    """Say what somebody had sent, so that they can send it again."""
    said = {name: value for name, value in form.starting("").items() if name not in ("form_token", "version", "was") and value}
    return ", ".join([act.replace("_", " "), *(f"{name.replace('_', ' ')} {value}" for name, value in said.items())])
