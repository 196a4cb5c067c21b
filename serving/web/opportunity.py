"""The audit as pages: what can still come back, where, by when and why it is lost; and what may be owed back, with its clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.responses import Response

from features.errors import BadData, NotFound, RecoupError
from serving.access import Identity
from serving.findings.clock import LAWS, has_clock, is_known, report_due
from serving.identity.gate import Gate
from serving.identity.visits import Visit
from serving.store import audits
from serving.store.audits import Kept, Owed
from serving.store.payer_types import types_of_owed
from serving.web.forms import Fields
from serving.web.lists import address
from serving.web.site import Site
from serving.web.visitors import Form, visitor
from serving.web.words import ACTIONS, Due, due, family_of, in_words, long_day, spoken
from serving.worklist.listing import Query

PAGE, OWED = "/opportunity", "/opportunity/overpayments"
SHOWN = 8
MOST_OWED = 200
FALLS = ("reversed", "contractual", "policy", "bad_debt", "patient", "wait", "no_scope", "worked", "expired", "above_owed")
WHOLE = ("total", "gross", "expected", "net")
_REMEDIES = {**ACTIONS, "none": "No usual remedy: look at each"}
OTHERWISE = {
    "medicare_advantage": "the contract with the plan decides by when",
    "commercial": "contract or state law decides by when",
    "bcbs": "contract or state law decides by when",
    "tricare": "32 CFR 199.11 and the contractor decide by when",
    "workers_comp": "state law decides by when",
    "auto": "contract or state law decides by when",
    "self_pay": "state law decides by when it goes back to the patient",
    "other": "contract or state law decides by when",
}
"""What decides where no such law holds."""
UNKNOWN = "60 days if the payer is Medicare or Medicaid, else by contract or state law; its kind is not known"
NOTHING = "there is no audit of what you see alone: each is of all facilities of the client"
"""Said to whoever sees only some facilities, whether or not an audit was kept: what is not theirs to see is answered as if it were not."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the bridge, with where its bar begins and ends in percent of the widest."""

    words: str
    dollars: float
    writeoffs: int
    start: float
    width: float
    style: str


@dataclass(frozen=True, slots=True)
class Group:
    """Open dollars of a payer, a reason or a remedy; `href` is the list of its items in the queue."""

    name: str
    href: str
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Month:
    """Cash that is expected in a month, by team, and the length of its bar."""

    name: str
    cash: tuple[float, ...]
    width: float


@dataclass(frozen=True, slots=True)
class Change:
    """What differs from the audit before: words, then and now."""

    words: str
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class Entry:
    """What may be owed back, and what its clock says; `law` is the rule that holds, or what decides where none sets a day."""

    owed: Owed
    due: Due | None
    law: str
    has_clock: bool
    stage: str
    who: str


def add_opportunity(app: FastAPI, site: Site, gate: Gate) -> None:
    """Add the pages."""

    @app.get(PAGE, include_in_schema=False)
    def opportunity(request: Request, visit: Annotated[Visit, visitor("report.read")]) -> Response:
        who = visit.identity
        kept, before = _latest(site, gate, who)
        if kept is None:
            return site.page(request, visit, "opportunity.html.j2", kept=None, **may_see(who))
        told = kept.document
        o, prevention = told["opportunity"], told["prevention"]
        return page_of(
            kept,
            site,
            request,
            visit,
            "opportunity.html.j2",
            told=told,
            o=o,
            steps={one["step"]: one for one in o["steps"]},
            made=long_day(kept.made_at.date()),
            ledger_bridge=bridge(o["steps"], ("total", *FALLS, "gross")),
            value_bridge=bridge(o["steps"], ("gross", "unlikely", "expected", "not_worth", "cost", "net")),
            groups=_groups(o, can_open=who.may("queue.read")),
            months=months(o["staffing"], kept.as_of),
            findings=[rule for rule in told["rules"] if rule["findings"] and rule["kind"] != "list"],
            changes=prevention["recommendations"][:SHOWN],
            causes=[_cause(one, can_open=who.may("queue.read")) for one in prevention["causes"][:SHOWN]],
            since=None if before is None else long_day(before.as_of),
            differences=[] if before is None else differences(before.document, told),
        )

    @app.get(OWED, include_in_schema=False)
    def owed(request: Request, visit: Annotated[Visit, visitor("overpayment.read")]) -> Response:
        who = visit.identity
        _check_sees_all(who)
        with gate.store.write() as unit:
            found, kinds = audits.owed_of(unit, who.client_id), types_of_owed(unit, who.client_id)
            gate.log.tell(unit, who, "overpayment.read", [one.overpayment_id for one in found[:MOST_OWED]])
        names = site.names(who.client_id)
        entries = sorted((entry(one, kinds.get(one.overpayment_id), site.today(), names) for one in found), key=_urgency)
        total = sum(one.amount or 0 for one in found)
        return site.page(request, visit, "overpayments.html.j2", entries=entries[:MOST_OWED], count=len(found), total=total, **may_see(who))

    @app.post(OWED + "/{overpayment_id}", include_in_schema=False)
    def decide(request: Request, overpayment_id: str, visit: Annotated[Visit, visitor("overpayment.decide")], form: Form) -> Response:
        who = visit.identity
        _check_sees_all(who)
        try:
            started, identified = _day(form, "started", site.today()), _day(form, "identified", site.today())
            with gate.store.write() as unit:
                audits.decide(unit, who.client_id, overpayment_id, started=started, identified=identified, by=who.subject)
                gate.log.tell(unit, who, "overpayment.decide", [overpayment_id])
        except RecoupError as error:
            return site.message(request, visit, error.http_status, str(error), back=OWED)
        return site.go(OWED, "overpayment")


def may_see(who: Identity) -> dict[str, bool]:
    """Return which of the pages of the audit somebody may see beside the sums."""
    return {"may_owed": who.may("overpayment.read"), "may_posting": who.may("posting.read")}


def audit_of(site: Site, gate: Gate, who: Identity) -> Kept:
    """Return the latest audit that was kept.

    Raises
    ------
    NotFound
        When there is none, or who asks sees only some of the facilities that it is of.
    """
    kept, _ = _latest(site, gate, who)
    if kept is None:
        raise NotFound("no audit has been kept yet; `recoup audit --keep` makes one")
    return kept


def page_of(kept: Kept, site: Site, request: Request, visit: Visit, template: str, **values: Any) -> Response:
    """Return a page of an audit: with its morning, and the ways to its other pages."""
    return site.page(request, visit, template, kept=kept, as_of=long_day(kept.as_of), **may_see(visit.identity), **values)


def _latest(site: Site, gate: Gate, who: Identity) -> tuple[Kept | None, Kept | None]:
    """Return the audit that is shown and the one before it."""

    def look() -> tuple[Kept | None, Kept | None]:
        with gate.store.read() as unit:
            latest = audits.latest(unit, who.client_id)
            return latest, None if latest is None else audits.latest(unit, who.client_id, before=latest.as_of)

    _check_sees_all(who)
    return site.remembered(("audit", who.client_id), look)


def _check_sees_all(who: Identity) -> None:
    """Raise NotFound for whoever sees only some of the facilities that an audit is of."""
    if who.facilities is not None:
        raise NotFound(NOTHING)


def bridge(steps: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Step]:
    """Return the lines of a part of the bridge; a step that takes nothing off is left out.

    >>> steps = [{"step": s, "words": s, "dollars": d, "writeoffs": 1} for s, d in (("total", 100.0), ("policy", -25.0), ("gross", 75.0))]
    >>> [(one.start, one.width, one.style) for one in bridge(steps, ("total", "policy", "gross"))]
    [(0.0, 100.0, 'back'), (75.0, 25.0, 'off'), (0.0, 75.0, 'back')]
    """
    by_name = {one["step"]: one for one in steps}
    scale = 100.0 / (max((abs(by_name[name]["dollars"]) for name in names if name in WHOLE), default=0.0) or 1.0)
    level, told = 0.0, []
    for name in names:
        one = by_name[name]
        value = one["dollars"]
        is_whole = name in WHOLE
        if not is_whole and not value:
            continue
        low, high = (min(0.0, value), max(0.0, value)) if is_whole else (min(level, level + value), max(level, level + value))
        level = value if is_whole else level + value
        start, end = (min(max(scale * end, 0.0), 100.0) for end in (low, high))
        told.append(Step(one["words"], value, one["writeoffs"], round(start, 2), round(end - start, 2), "back" if is_whole else "off"))
    return told


def _groups(o: Mapping[str, Any], *, can_open: bool) -> list[tuple[str, list[Group], int]]:
    """Return the largest groups of each kind with the address of their items, and how many groups there are."""
    kinds: tuple[tuple[str, str, Callable[[str], str], Callable[[str], Query]], ...] = (
        ("Payer", "by_payer", str, lambda name: Query(payer_id=name)),
        ("Why it was not paid", "by_family", family_of, lambda name: Query(family=name)),
        ("What to do", "by_remedy", lambda name: _REMEDIES.get(name, spoken(name)), lambda name: Query(remedy=name)),
    )
    told = []
    for title, key, words, query in kinds:
        groups = [Group(words(one["group"]), address(query(one["group"])) if can_open else "", one) for one in o[key][:SHOWN]]
        told.append((title, groups, len(o[key])))
    return told


def _cause(one: Mapping[str, Any], *, can_open: bool) -> tuple[Mapping[str, Any], str, str]:
    """Return a root cause, where it is in words, and the address of its items; blank where a list cannot show them."""
    cell = one["cell"]
    asked = {name: value for name, value in cell.items() if name in ("payer_id", "facility_id") and value}
    href = address(Query(carc=one["carc"], **asked)) if can_open else ""
    return one, in_words(cell), href


def months(teams: Sequence[Mapping[str, Any]], as_of: date) -> list[Month]:
    """Return the cash of each team by month from a morning on; the bar is that of the largest team.

    >>> [(one.name, one.width) for one in months([{"cash": [5.0, 10.0]}], date(2026, 12, 1))]
    [('Dec 2026', 50.0), ('Jan 2027', 100.0)]
    """
    if not teams:
        return []
    most = max(teams[-1]["cash"], default=0.0) or 1.0
    told = []
    for number, cash in enumerate(zip(*(team["cash"] for team in teams), strict=True)):
        month = as_of.month - 1 + number
        begins = date(as_of.year + month // 12, month % 12 + 1, 1)
        told.append(Month(long_day(begins).split(" ", 1)[1], tuple(cash), round(100 * cash[-1] / most, 2)))
    return told


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Return the rules whose findings differ between two audits, the largest difference first.

    >>> rule = {"rule": "retired_code", "sentence": "A code.", "kind": "deterministic", "findings": 3}
    >>> differences({"rules": [rule]}, {"rules": [{**rule, "findings": 1}]})
    [Change(words='A code.', before=3, now=1)]
    """
    old = {rule["rule"]: rule["findings"] for rule in before["rules"]}
    told = [
        Change(rule["sentence"], old[rule["rule"]], rule["findings"])
        for rule in now["rules"]
        if rule["kind"] != "list" and rule["findings"] is not None and old.get(rule["rule"]) not in (None, rule["findings"])
    ]
    return sorted(told, key=lambda one: -abs(one.now - one.before))[:SHOWN]


def entry(owed: Owed, payer_type: str | None, today: date, names: Mapping[str, str]) -> Entry:
    """Return an entry with its clock (`serving.findings.clock`); where the kind of payer is not known, with what the day hangs on."""
    started, identified = ("" if day is None else day.isoformat() for day in (owed.investigation_started_on, owed.identified_on))
    last = report_due(payer_type, identified, started)
    stage = "To be reported and returned" if identified else "Being looked into" if started else "Nobody has looked yet"
    who = "" if owed.decided_by is None else names.get(owed.decided_by, owed.decided_by)
    law = UNKNOWN if payer_type is None or not is_known(payer_type) else LAWS.get(payer_type) or OTHERWISE[payer_type]
    return Entry(owed, due(date.fromisoformat(last), "statute", today) if last else None, law, has_clock(payer_type), stage, who)


def _urgency(one: Entry) -> tuple[str, int]:
    return one.due.iso if one.due else "9999", -(one.owed.amount or 0)


def _day(form: Fields, name: str, today: date) -> date | None:
    text = form.text(name, 10)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadData("a day is written as 2026-10-31") from error
    if day > today:
        raise BadData("what was found out cannot be dated later than today")
    return day
