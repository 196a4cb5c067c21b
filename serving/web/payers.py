"""The page of payers: what waits at each, and a batch of one payer's items to be worked in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, TypeAlias

from fastapi import FastAPI, Request
from fastapi.responses import Response

from serving.access import Identity
from serving.identity.visits import Visit
from serving.web.lists import address
from serving.web.site import Site
from serving.web.visitors import Form, visitor
from serving.web.words import SOON_DAYS
from serving.worklist.desk import FEWEST_IN_BATCH, MOST_IN_BATCH
from serving.worklist.listing import Query, Totals, Which

Sums: TypeAlias = Mapping[str | None, Totals]

BATCHES = tuple(range(FEWEST_IN_BATCH, MOST_IN_BATCH + 1, 5))


@dataclass(frozen=True, slots=True)
class Payer:
    """What waits at one payer; money in cents.

    Parameters
    ----------
    totals, batch
        Sums of all that waits, and of the best of it that one batch holds.
    due_soon
        Items whose last day, which somebody set, is within two weeks.
    asked
        Items that were sent and are to be asked about today.
    """

    payer_id: str
    totals: Totals
    batch: Totals
    due_soon: int
    asked: int

    @property
    def value_per_hour(self) -> int | None:
        """Net cents that an hour of work on the best batch brings; None where nothing waits."""
        return round(self.batch.net / self.batch.hours) if self.batch.hours else None

    @property
    def href(self) -> str:
        """The list of its items."""
        return address(Query(payer_id=self.payer_id))

    @property
    def asked_href(self) -> str:
        """The list of its follow-ups."""
        return address(Query(Which.FOLLOW_UP, payer_id=self.payer_id))


def add_payers(app: FastAPI, site: Site) -> None:
    """Add the page of payers."""
    worklist = site.worklist

    @app.get("/payers", include_in_schema=False)
    def payers(request: Request, visit: Annotated[Visit, visitor("queue.read")]) -> Response:
        who, today = visit.identity, site.today()
        waiting, near, asked, batches = site.remembered(("payers", who.client_id, who.facilities), lambda: sums(who, today))
        nothing = Totals(0, 0, 0, 0, 0.0)
        names = [*batches, *(str(name) for name in asked if name not in batches)]
        shown = [
            Payer(
                name, waiting.get(name, nothing), batches.get(name, nothing), near.get(name, nothing).items, asked.get(name, nothing).items
            )
            for name in names
        ]
        return site.page(request, visit, "payers.html.j2", payers=shown, sizes=BATCHES, soon_days=SOON_DAYS)

    def sums(who: Identity, today: date) -> tuple[Sums, Sums, Sums, Mapping[str, Totals]]:
        soon = Query(pinned_before=today + timedelta(days=SOON_DAYS + 1))
        waiting, near, asked = (worklist.sums_by(who, query, "payer_id") for query in (Query(), soon, Query(Which.FOLLOW_UP)))
        return waiting, near, asked, worklist.batches(who, MOST_IN_BATCH)

    @app.post("/payers/take", include_in_schema=False)
    def take(visit: Annotated[Visit, visitor("queue.work")], form: Form) -> Response:
        payer_id = form.text("payer_id", 100)
        with worklist.desk(visit.identity) as desk:
            taken = desk.take_batch(payer_id, most=form.number("most"), same_reason=form.is_on("same_reason"))
        if not taken:
            return site.go("/payers", "empty")
        return site.go(address(Query(Which.MINE, payer_id=payer_id)), "batch")
