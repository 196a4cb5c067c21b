"""The lead's pages: what the week brings, who has what, how the queue is run, and requests that wait for a second person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated

from fastapi import FastAPI, Request
from fastapi.responses import Response

from features.errors import BadData, RecoupError
from features.tables import Kind
from serving.access import Identity
from serving.export import to_csv
from serving.identity.visits import Visit
from serving.store import listing
from serving.web.forms import Fields
from serving.web.lists import address
from serving.web.site import Site
from serving.web.story import NOTE_WORDS
from serving.web.visitors import Form, gate_of, visitor
from serving.web.words import long_day, spoken
from serving.worklist.acts import SKIP_REASONS
from serving.worklist.item import Item
from serving.worklist.listing import Query, Totals, Which
from serving.worklist.policy import BOUNDS, Policy
from serving.worklist.reversals import MOST_NOTE, REFUSALS, ledger_columns
from serving.worklist.shelf import Entry
from serving.worklist.worklist import DECIDED_DAYS, OBJECTED_DAYS

MOST_OBJECTIONS = 20
_LISTS = (Which.READY, Which.DRAFTED, Which.SENT, Which.FOLLOW_UP)


@dataclass(frozen=True, slots=True)
class Load:
    """What one person was given or holds; items of each list, and cents that are expected of what was sent."""

    name: str
    href: str
    given: int
    drafted: int
    sent: int
    overdue: int
    expected: int


@dataclass(frozen=True, slots=True)
class Objection:
    """Something that somebody wrote against an item's ranking."""

    item_id: str
    claim: str
    by: str
    on: str
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of the queue as a field of a form; money in dollars, shares in percent."""

    name: str
    words: str
    value: str
    least: str
    most: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request above the limit."""

    reversal_id: str
    writeoff_id: str
    item_id: str | None
    cents: int
    by: str
    on: str
    is_own: bool


def add_lead(app: FastAPI, site: Site) -> None:
    """Add the lead's pages."""
    pages = Lead(site)

    @app.get("/lead", include_in_schema=False)
    def lead(request: Request, visit: Annotated[Visit, visitor("queue.assign")]) -> Response:
        return pages.show(request, visit)

    @app.post("/lead/settings", include_in_schema=False)
    def keep_settings(request: Request, visit: Annotated[Visit, visitor("queue.settings")], form: Form) -> Response:
        return pages.keep_settings(request, visit, form)

    @app.post("/lead/reversals", include_in_schema=False)
    def decide(request: Request, visit: Annotated[Visit, visitor("reversal.approve")], form: Form) -> Response:
        return pages.decide(request, visit, form)

    @app.post("/lead/reversals/file", include_in_schema=False)
    def export(request: Request, visit: Annotated[Visit, visitor("export.read")], form: Form) -> Response:
        return pages.export(request, visit, form)


class Lead:
    """What a lead sees of the queue and decides.

    Parameters
    ----------
    site
        Its pages and its queue.
    """

    def __init__(self, site: Site) -> None:
        self._site, self._worklist = site, site.worklist

    def show(self, request: Request, visit: Visit) -> Response:
        """Return the page: who has what, what waits for a decision, what staff object to, and the settings."""
        who = visit.identity
        names, told = self._site.names(who.client_id), self._worklist.objections(who)
        overview = self._site.remembered(("overview", who.client_id, who.facilities), lambda: self._worklist.overview(who))
        in_all = self._site.remembered(("waiting", who.client_id, who.facilities), lambda: self._in_all(request, who))
        return self._site.page(
            request,
            visit,
            "lead.html.j2",
            overview=overview,
            in_all=in_all,
            waking_days=listing.WAKING_DAYS,
            counts={which.value: count for which, count in overview.counts.items()},
            loads=self._loads(who),
            settings=[setting(overview.policy, name) for name in BOUNDS],
            waiting=self._waiting(who, names),
            refusals=REFUSALS,
            most_note=MOST_NOTE,
            objections=[objection(entry, item, names) for entry, item in told if entry.act == "note"][:MOST_OBJECTIONS],
            left_out=Counter(
                SKIP_REASONS.get(reason, spoken(reason)) for entry, _ in told if (reason := str(entry.facts.get("reason") or ""))
            ).most_common(),
            objected_days=OBJECTED_DAYS,
            decided_days=DECIDED_DAYS,
            batch=self._site.today().isoformat(),
            as_of=long_day(overview.as_of) if overview.as_of else "",
            follow_ups=address(Query(Which.FOLLOW_UP)),
        )

    def keep_settings(self, request: Request, visit: Visit, form: Fields) -> Response:
        """Keep the settings of the queue."""
        try:
            self._worklist.set_policy(visit.identity, policy_in(form))
        except RecoupError as error:
            return self._site.message(request, visit, error.http_status, str(error), back="/lead")
        return self._site.go("/lead", "settings")

    def decide(self, request: Request, visit: Visit, form: Fields) -> Response:
        """Approve a request to the ledger, or refuse it with a reason."""
        who, reversal_id, is_approved = visit.identity, form.text("reversal_id", 300), form.text("answer", 10) == "approve"
        try:
            if is_approved:
                self._worklist.approve_reversal(who, reversal_id)
            else:
                self._worklist.refuse_reversal(who, reversal_id, reason=form.text("reason", 40), note=form.text("note", MOST_NOTE))
        except RecoupError as error:
            return self._site.message(request, visit, error.http_status, str(error), back="/lead")
        return self._site.go("/lead", "approved" if is_approved else "refused")

    def export(self, request: Request, visit: Visit, form: Fields) -> Response:
        """Return the file of approved requests, by its name the same one again."""
        batch = form.text("batch", 64)
        if not batch or not all(letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in batch):
            return self._site.message(request, visit, 400, "a file has a name of letters, digits, dots and dashes", back="/lead")
        found = self._worklist.export_reversals(visit.identity, batch)
        if not found:
            return self._site.message(
                request, visit, 404, "no approved request waits for a file", heading="Nothing to export", back="/lead"
            )
        return self._site.file(to_csv(ledger_columns(found), {"amount": Kind.MONEY}), f"reversals-{batch}.csv", "text/csv; charset=utf-8")

    def _in_all(self, request: Request, who: Identity) -> listing.Waiting:
        with gate_of(request).store.read() as unit:
            return listing.waiting(unit, who, today=self._site.today())

    def _waiting(self, who: Identity, names: Mapping[str, str]) -> list[Waiting]:
        return [
            Waiting(
                one.reversal_id,
                one.writeoff_id,
                one.item_id,
                one.cents,
                names.get(one.requested_by, one.requested_by),
                long_day(one.known_on),
                one.requested_by == who.subject,
            )
            for one in self._worklist.waiting_reversals(who)
        ]

    def _loads(self, who: Identity) -> list[Load]:
        ready, drafted, sent, overdue = (self._worklist.sums_by(who, Query(which), "holder") for which in _LISTS)
        nothing, names = Totals(0, 0, 0, 0, 0.0), self._site.names(who.client_id)
        found = [
            Load(
                "nobody yet" if subject is None else names.get(subject, subject),
                address(Query(Which.READY)) if subject is None else address(Query(Which.ALL, assigned_to=subject)),
                ready.get(subject, nothing).items,
                drafted.get(subject, nothing).items,
                sent.get(subject, nothing).items,
                overdue.get(subject, nothing).items,
                sent.get(subject, nothing).expected,
            )
            for subject in dict.fromkeys((*sent, *drafted, *ready))
        ]
        return sorted(found, key=lambda load: (-load.overdue, -load.sent, load.name))


def objection(entry: Entry, item: Item, names: Mapping[str, str]) -> Objection:
    """Return a note as the lead reads it."""
    what = NOTE_WORDS.get(str(entry.facts.get("kind")), "")
    claim = item.worth.claim_id or item.item_id
    return Objection(item.item_id, claim, names.get(entry.by, entry.by), long_day(entry.at.date()), what, entry.text)


_SCALE = {"sample_share": 100.0, "sample_turn": 100.0, "approval_over": 0.01}
"""What a setting is multiplied by on the page: shares are shown in percent, cents in dollars."""

_WORDS = {
    "sample_share": "of 100 new items, how many are drawn as sample checks",
    "sample_turn": "of 100 turns, how many offer a sample check while one waits",
    "approval_over": "dollars of a reversal above which a second person approves",
}


def setting(policy: Policy, name: str) -> Setting:
    """Return a setting as a field of a form.

    >>> setting(Policy(), "sample_share").value, setting(Policy(), "approval_over").value
    ('2', '1000')
    """
    least, most, meaning = BOUNDS[name]
    scale = _SCALE.get(name, 1.0)
    return Setting(
        name, spoken(_WORDS.get(name, meaning)), *(f"{round(value * scale, 6):.10g}" for value in (getattr(policy, name), least, most))
    )


def policy_in(form: Fields) -> Policy:
    """Read the settings of a form.

    Raises
    ------
    BadData
        When a field is no number.
    UsageError
        When one is out of its bounds.

    Examples
    --------
    >>> policy_in(Fields([(name, setting(Policy(), name).value) for name in BOUNDS])) == Policy()
    True
    """
    told: dict[str, float] = {}
    for item in fields(Policy):
        text = form.text(item.name, 20).replace(",", "")
        if not text.replace(".", "", 1).isascii() or not text.replace(".", "", 1).isdigit():
            raise BadData(f"{spoken(item.name)} is a number")
        value = float(text) / _SCALE.get(item.name, 1.0)
        told[item.name] = value if isinstance(item.default, float) else round(value)
    return Policy(**told)  # type: ignore[arg-type]
