"""Pages of the queue: lists, the next one, finding a claim, kept views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated

from fastapi import FastAPI, Request
from fastapi.responses import Response

from features.errors import RecoupError
from serving.identity.visits import Visit
from serving.store import listing as stored
from serving.web.lists import LISTS_OF_DECIDED, address, asked, listing, query_of
from serving.web.site import Site
from serving.web.visitors import Form, gate_of, visitor
from serving.web.words import long_day
from serving.worklist.listing import Query, Sort, Which

PAGE_ROWS, MOST_PINNED = 50, 25


def add_queue(app: FastAPI, site: Site) -> None:
    """Add the pages of the queue."""
    worklist = site.worklist

    @app.get("/", include_in_schema=False)
    def home(visit: Annotated[Visit, visitor("session.own")]) -> Response:
        return site.go("/queue" if visit.identity.may("queue.read") else "/models")

    @app.get("/queue", include_in_schema=False)
    def queue(request: Request, visit: Annotated[Visit, visitor("queue.read")]) -> Response:
        try:
            query = replace(query_of(request.query_params), size=PAGE_ROWS)
            return show_list(site, request, visit, query)
        except RecoupError as error:
            return site.message(request, visit, error.http_status, str(error))

    @app.get("/follow-ups", include_in_schema=False)
    def follow_ups(request: Request, visit: Annotated[Visit, visitor("queue.read")]) -> Response:
        return show_list(site, request, visit, Query(Which.FOLLOW_UP, size=PAGE_ROWS))

    @app.post("/take-next", include_in_schema=False)
    def take_next(visit: Annotated[Visit, visitor("queue.work")], form: Form) -> Response:
        narrowed = {name: form.text(name, 100) or None for name in ("payer_id", "carc", "remedy", "project_id")}
        offer = worklist.take_next(visit.identity, **narrowed)
        if offer is None:
            return site.go("/queue", "empty")
        return site.go(f"/items/{offer.item.item_id}", "taken")

    @app.post("/find", include_in_schema=False)
    def find(visit: Annotated[Visit, visitor("queue.read")], form: Form) -> Response:
        what = form.text("what", 80)
        found = worklist.page(visit.identity, Query(Which.ALL, claim_id=what, size=1)).items if what else ()
        return site.go(f"/items/{found[0].item_id}") if found else site.go("/queue", "unknown")

    @app.post("/views", include_in_schema=False)
    def keep_view(visit: Annotated[Visit, visitor("queue.read")], form: Form) -> Response:
        query = query_of(form.starting(""))
        is_shared = form.is_on("is_shared") and visit.identity.may("queue.assign")
        worklist.save_view(visit.identity, form.text("name", 60), asked(replace(query, after=None)), is_shared=is_shared)
        return site.go(address(replace(query, after=None)), "kept")

    @app.post("/views/remove", include_in_schema=False)
    def remove_view(visit: Annotated[Visit, visitor("queue.read")], form: Form) -> Response:
        worklist.remove_view(visit.identity, form.text("name", 60))
        return site.go("/queue", "removed")


def show_list(site: Site, request: Request, visit: Visit, query: Query) -> Response:
    """Return the page of a list; of what waits, the items whose last day is near stand above it."""
    worklist = site.worklist
    who, today = visit.identity, site.today()
    page = worklist.page(who, query)
    soon = _pinned(query, today + timedelta(days=worklist.policy(who).pin_days + 1))
    pinned = worklist.page(who, soon).items if soon is not None else ()
    with gate_of(request).store.read() as unit:
        ids = [item.item_id for item in page.items]
        came, refused = stored.came_of(unit, who, ids), stored.refused_of(unit, who, ids)
        is_decided = query.which in LISTS_OF_DECIDED
        came_in_all = stored.came_in(unit, who, query, now=site.clock(), today=today) if is_decided else None
    shown = listing(
        page,
        site.totals(who, query),
        query=query,
        counts=site.counts(who),
        lines=worklist.lines(who, (*pinned, *page.items)),
        pinned=pinned,
        came=came,
        came_in_all=came_in_all,
        refused=refused,
        subject=who.subject,
        names=site.names(who.client_id),
        now=site.clock(),
        today=today,
        codes=site.codes(),
    )
    scored = worklist.scored_on(who)
    return site.page(
        request,
        visit,
        "queue.html.j2",
        list=shown,
        views=[_View(view.name, address(query_of(view.query)), view.is_shared, view.owner == who.subject) for view in worklist.views(who)],
        payers=sorted({row.item.worth.payer_id for row in shown.rows}),
        address=_kept(query),
        as_of=long_day(scored) if scored else "",
    )


def _pinned(query: Query, day: date) -> Query | None:
    """Return which items are shown first because their last day is before a day, as `take_next` offers them first; None for no such."""
    if query.which is not Which.READY or query.order is not Sort.VALUE or query.after is not None or query.due_before is not None:
        return None
    return replace(query, pinned_before=day, size=MOST_PINNED)


@dataclass(frozen=True, slots=True)
class _View:
    """A kept view as a link."""

    name: str
    href: str
    is_shared: bool
    is_own: bool


def _kept(query: Query) -> Mapping[str, str]:
    return asked(replace(query, after=None))
