"""Pages of one item: what to do and why, and the forms that say what was done."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from fastapi import FastAPI, Path, Request
from fastapi.responses import Response

from features.errors import RecoupError, UsageError
from serving.access import Identity
from serving.identity.visits import Visit
from serving.web.details import page_of
from serving.web.figures import sentence
from serving.web.forms import Fields
from serving.web.site import Site
from serving.web.still_open import still_open
from serving.web.visitors import Form, check, visitor
from serving.worklist.acts import LOSS_REASONS, SKIP_REASONS
from serving.worklist.desk import Desk, Stale
from serving.worklist.item import READY, Item, State
from serving.worklist.listing import Query, Which
from serving.worklist.shelf import Wanted

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
        argument=form.text("argument", 80) or None,
        coder=form.text("coder", 80) or None,
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
    # To begin an item wakes it too; its page stays open, because whoever begins one so wants to work it.
    "begin": lambda desk, item_id, form: desk.draft(item_id, form.number("version")),
    "wake": lambda desk, item_id, form: desk.wake(item_id, form.number("version")),
    "send": _send,
    "follow_up": lambda desk, item_id, form: desk.follow_up(
        item_id, form.number("version"), again_on=form.needed_day("again_on"), text=form.text("text", 500), hours=form.hours()
    ),
    "win": _win,
    "take_back": lambda desk, item_id, form: desk.take_back(
        item_id, form.number("version"), cents=form.cents("amount"), on=form.day("decided_on")
    ),
    "pay_again": lambda desk, item_id, form: desk.pay_again(
        item_id, form.number("version"), cents=form.cents("amount"), on=form.day("decided_on")
    ),
    "lose": lambda desk, item_id, form: desk.lose(
        item_id,
        form.number("version"),
        decided_on=form.day("decided_on"),
        expired=form.is_on("expired"),
        reason=form.text("reason", 40),
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

LISTS = re.compile(r"/(queue|follow-ups|payers|lead|projects/[A-Za-z0-9_-]{1,64})$")
"""Pages that an item is opened from."""

PEEKED = 25
"""Follow-ups that are looked through for one that is nobody else's."""

_ACTION = {"assign": "queue.assign", "reopen": "queue.work"}


def add_items(app: FastAPI, site: Site) -> None:
    """Add the pages of items."""
    pages = Items(site)

    @app.get("/items/{item_id}", include_in_schema=False)
    def item(request: Request, item_id: ItemId, visit: Annotated[Visit, visitor("writeoff.read")]) -> Response:
        return pages.show(request, visit, item_id)

    @app.post("/items/{item_id}/{act}", include_in_schema=False)
    def change(
        request: Request,
        item_id: ItemId,
        act: Annotated[str, Path(max_length=20)],
        visit: Annotated[Visit, visitor("queue.work")],
        form: Form,
    ) -> Response:
        return pages.change(request, visit, item_id, act, form)


class Items:
    """Items one by one: shown, changed, and the next one after it.

    Parameters
    ----------
    site
        Its pages and its queue.
    """

    def __init__(self, site: Site) -> None:
        self._site, self._worklist = site, site.worklist

    def change(self, request: Request, visit: Visit, item_id: str, act: str, form: Fields) -> Response:
        """Do to an item what a form says, and go on to the page that follows; the item's own page where it could not be done."""
        if act not in ACTS:
            return self._site.message(request, visit, 404, "there is no such page")
        try:
            if act == "send" and self._site.papers is not None:
                self._site.papers.check_coder(self._worklist.detail(visit.identity, item_id), form.text("coder", 80))
            action = _ACTION.get(act, "queue.work")
            check(request, visit.identity, action)
            with self._worklist.desk(visit.identity, action) as desk:
                after = ACTS[act](desk, item_id, form)
        except RecoupError as error:
            # Where somebody was first, or holds it, the page says who, and shows both what is now and what was sent.
            return self.show(request, visit, item_id, error=error, yours=_sent(act, form))
        return self._go_on(visit.identity, act, form, after)

    def _go_on(self, who: Identity, act: str, form: Fields, after: Item) -> Response:
        said = {"take": "taken", "release": "released"}.get(act, act)
        if act in NEXT:
            return self._site.go(self._following(who, form.text("was", 20), after), said, item_id=after.item_id, version=after.version)
        if act in ("release", "draft"):
            return self._site.go("/queue", said, item_id=after.item_id if act == "draft" else "", version=after.version)
        return self._site.go(f"/items/{after.item_id}", said, item_id=after.item_id, version=after.version)

    def _following(self, who: Identity, was: str, done: Item) -> str:
        """Return the page that opens after an item: the next one to ask about, the next of the batch, or the best that waits."""
        if was == State.SENT.value:
            own = Query(Which.FOLLOW_UP, assigned_to=who.subject, size=1)
            anybodys = Query(Which.FOLLOW_UP, size=PEEKED)
            for query in (replace(own, payer_id=done.worth.payer_id), replace(anybodys, payer_id=done.worth.payer_id), own, anybodys):
                for item in self._worklist.page(who, query).items:
                    if item.assigned_to in (None, who.subject):
                        return f"/items/{item.item_id}"
            return "/follow-ups"
        held = self._worklist.held(who, payer_id=done.worth.payer_id) or self._worklist.held(who)
        if held:
            return f"/items/{held[0].item_id}"
        offer = self._worklist.take_next(who)
        return f"/items/{offer.item.item_id}" if offer is not None else "/queue"

    def show(self, request: Request, visit: Visit, item_id: str, *, error: RecoupError | None = None, yours: str = "") -> Response:
        """Return the page of an item, with an error and what was sent when there was one."""
        who, names = visit.identity, self._site.names(visit.identity.client_id)
        try:
            detail = self._worklist.detail(who, item_id)
        except RecoupError as lacking:
            return self._site.message(request, visit, lacking.http_status, str(lacking), heading="This item is not to be seen")
        offered = self._offered(who, detail.item)
        page = page_of(
            detail,
            subject=who.subject,
            is_lead=who.may_work_for_others,
            names=names,
            now=self._site.clock(),
            today=self._site.today(),
            codes=self._site.codes(),
            still_open=still_open(detail, self._site.today()),
            hands=self._worklist.hands(who, [detail.item]) if "assign" in offered else (),
        )
        papers = self._site.papers if who.may("packet.read") else None
        return self._site.page(
            request,
            visit,
            "item.html.j2",
            status=200 if error is None else error.http_status,
            page=page,
            offered=offered,
            conflict="" if error is None else plainly(error, detail.item, who.subject, names),
            yours=yours,
            back=back_of(request),
            papers=papers.outlook(detail) if papers is not None else None,
            enclosures=papers.files.of_item(who, item_id) if papers is not None and papers.files is not None else [],
        )

    def _offered(self, who: Identity, item: Item) -> frozenset[str]:
        """Return the acts that stand above an item: what the desk would refuse now is not offered."""
        now, today = self._site.clock(), self._site.today()
        is_mine = item.assigned_to in (None, who.subject) or who.may("queue.assign")
        is_free = item.holder(now) in (None, who.subject) and is_mine
        sleeps = item.state in READY and item.snoozed_until is not None and item.snoozed_until > today
        possible = {
            "take": who.may("queue.work") and Wanted(who.client_id, who.facilities, who.subject, now, today).admits(item),
            "wake": who.may("queue.work") and sleeps and is_free,
            "assign": who.may("queue.assign") and item.state not in (State.WON, State.WITHDRAWN),
        }
        return frozenset(act for act, is_possible in possible.items() if is_possible)


def plainly(error: RecoupError, item: Item, subject: str, names: Mapping[str, str]) -> str:
    """Say why an act was not done by the names that people have, without ids and versions."""
    if isinstance(error, Stale) and item.changed_by is not None and item.changed_at is not None:
        who = (
            "You changed it in another window"
            if item.changed_by == subject
            else f"{names.get(item.changed_by, item.changed_by)} was faster"
        )
        return f"{who}: this item was changed at {item.changed_at:%H:%M} UTC, after you had opened it."
    text = sentence(str(error).replace(f"item {item.item_id}", "this item"))
    for told, name in names.items():
        text = text.replace(told, name)
    return text


def back_of(request: Request) -> str:
    """Return the list that an item was opened from, as the browser says; the queue where it says none of ours."""
    came = urlsplit(request.headers.get("referer", ""))
    is_list = came.netloc == request.url.netloc and LISTS.match(came.path) is not None
    return urlunsplit(("", "", came.path, came.query, "")) if is_list else "/queue"


def _sent(act: str, form: Fields) -> str:
    """Say what somebody had sent, so that they can send it again."""
    said = {name: value for name, value in form.starting("").items() if name not in ("form_token", "version", "was") and value}
    words = LOSS_REASONS if act == "lose" else SKIP_REASONS
    return ", ".join([act.replace("_", " "), *(f"{name.replace('_', ' ')} {words.get(value, value)}" for name, value in said.items())])
