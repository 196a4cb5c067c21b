"""One work item as a page shows it: what to do, why it is here, the amounts, what came before, and what may be done now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from features.clocks import LEVELS
from features.codes.tables import Codes
from features.norms import follow_up_days
from serving.packet.words import cited
from serving.web.figures import exact
from serving.web.lists import DECIDED, Row, row_of
from serving.web.past import ALIKE_WORDS, Past, Tried, arguments_for, past_of, tried_in
from serving.web.still_open import StillOpen
from serving.web.story import Asked, Told, asked_of, timeline
from serving.web.words import long_day
from serving.worklist.acts import LONGEST_SNOOZE, LOSS_REASONS, MOVES, SKIP_REASONS
from serving.worklist.detail import Detail, Line, Similar, TakenBack
from serving.worklist.item import Item
from serving.worklist.sight import Seen

CHANNELS = ("payer portal", "clearing house", "fax", "mail", "telephone", "other")


@dataclass(frozen=True, slots=True)
class Bar:
    """One amount of the waterfall: cents, and where its bar begins and how long it is, in thousandths of the charge."""

    name: str
    cents: int
    start: int
    length: int
    kind: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    """One write-off of the item in words."""

    line: Line
    row: Row
    bars: tuple[Bar, ...]
    reasons: tuple[tuple[bool, str], ...]
    low: int | None
    high: int | None
    term: str
    taken_back: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RemitLine:
    """What one remittance said of a line of the claim."""

    on: str
    line: str
    status: str
    code: str
    meaning: str
    rarcs: str
    adjusted: int | None
    paid: int | None
    is_reversal: bool


@dataclass(frozen=True, slots=True)
class Page:
    """The item with all that is shown of it; `can` names the acts that its state, its day and its holder allow."""

    item: Item
    row: Row
    postings: tuple[Posting, ...]
    guards: tuple[str, ...]
    past: tuple[Past, ...]
    similar: Similar
    alike: str
    ways: tuple[Tried, ...]
    arguments: Sequence[str]
    story: tuple[Told, ...]
    asked: tuple[Asked, ...]
    still_open: StillOpen | None
    remits: tuple[RemitLine, ...]
    others: tuple[Row, ...]
    can: frozenset[str]
    held_by: str
    held_until: str
    minutes_left: int
    low: int | None
    high: int | None
    came: int | None
    scored_on: str
    follow_up_on: str
    follow_up_most: str
    today: str
    tomorrow: str
    asleep_most: str
    skip_reasons: Mapping[str, str]
    lose_reasons: Mapping[str, str]
    channels: Sequence[str]
    people: Mapping[str, str]
    hands: Mapping[str, str]


def page_of(
    detail: Detail,
    *,
    subject: str,
    is_lead: bool,
    names: Mapping[str, str],
    now: datetime,
    today: date,
    codes: Codes,
    still_open: StillOpen | None = None,
    hands: Sequence[str] = (),
) -> Page:
    """Return an item as a page shows it.

    Parameters
    ----------
    detail
        The item with what belongs to it.
    subject, is_lead, names
        Who looks, whether they may act on what others have, and how people are called.
    now, today
        The moment, and the day on the wall.
    codes
        Meanings of codes.
    still_open
        What may still be done where its first remedy has lapsed.
    hands
        Subjects of those whom it may be given to.
    """
    item = detail.item

    def row(one: Item, line: Line | None) -> Row:
        return row_of(one, line, subject=subject, names=names, now=now, today=today, codes=codes)

    holder = item.holder(now)
    is_free = holder in (None, subject) and (item.assigned_to in (None, subject) or is_lead)
    guards = {refusal.sentence: refusal.citation for line in detail.lines if line.seen is not None for refusal in line.seen.guards}
    payer_type = detail.lines[0].writeoff.get("payer_type") if detail.lines else None
    wait = follow_up_days(item.remedy, is_medicare=payer_type == "medicare")
    return Page(
        item=item,
        row=row(item, detail.lines[0] if detail.lines else None),
        postings=tuple(_posting(line, row(item, line)) for line in detail.lines),
        guards=tuple(cited(sentence, citation) for sentence, citation in guards.items()),
        past=past_of(detail.similar),
        similar=detail.similar,
        alike=ALIKE_WORDS[detail.similar.alike],
        ways=tried_in(detail.similar),
        arguments=arguments_for(item.worth.family, detail.similar),
        story=timeline(detail, names),
        asked=asked_of(detail, names),
        still_open=still_open,
        remits=tuple(_remit(line, codes) for line in detail.remits),
        others=tuple(row(other, None) for other in detail.others),
        can=_possible(detail, today) if is_free else frozenset(),
        held_by=names.get(other, other) if (other := _other(holder or item.assigned_to, subject, may_act=is_free)) else "",
        held_until=f"{item.leased_until:%H:%M} UTC" if holder is not None and item.leased_until is not None else "",
        minutes_left=_minutes(item.leased_until, now) if holder == subject else 0,
        low=detail.lines[0].score.get("amount_if_recovered_low") if len(detail.lines) == 1 else None,
        high=detail.lines[0].score.get("amount_if_recovered_high") if len(detail.lines) == 1 else None,
        came=sum(effort.net for effort in detail.efforts) if item.state in DECIDED else None,
        scored_on=long_day(item.worth.as_of),
        follow_up_on=(today + timedelta(days=wait)).isoformat(),
        follow_up_most=(today + timedelta(days=365)).isoformat(),
        today=today.isoformat(),
        tomorrow=(today + timedelta(days=1)).isoformat(),
        asleep_most=_asleep_most(item, today).isoformat(),
        skip_reasons=SKIP_REASONS,
        lose_reasons=LOSS_REASONS,
        channels=CHANNELS,
        people=names,
        hands={one: names.get(one, one) for one in hands},
    )


def _possible(detail: Detail, today: date) -> frozenset[str]:
    """Return the acts that the desk would do with an item that nobody else has: of those of its state, those that its days
    and what came in allow."""
    item = detail.item
    found = {act for act, (states, _) in MOVES.items() if item.state in states}
    if _asleep_most(item, today) <= today:
        found.discard("snooze")
    if item.level >= LEVELS:
        found.discard("next_level")
    if sum(effort.net for effort in detail.efforts if effort.effort_id == item.effort_id) <= 0:
        found.discard("take_back")
    return frozenset(found)


def _posting(line: Line, row: Row) -> Posting:
    ledger, score = line.writeoff, line.score
    facts = [
        ("Posting", line.writeoff_id),
        ("Written off", long_day(ledger["writeoff_date"]) if ledger.get("writeoff_date") else ""),
        ("Service", _span(ledger.get("service_date"), ledger.get("service_date_to"))),
        ("Remittance", long_day(ledger["remit_date"]) if ledger.get("remit_date") else ""),
        ("Procedure", " ".join(filter(None, (ledger.get("procedure_code"), ledger.get("modifiers"))))),
        ("Payer's claim number", ledger.get("payer_claim_number") or ""),
        ("Posted by", ledger.get("posted_by") or ""),
        ("From", f"{ledger['remit_file']}, segment {ledger['remit_segment']}" if ledger.get("remit_file") else ""),
    ]
    return Posting(
        line=line,
        row=row,
        bars=waterfall(ledger, score, line.seen),
        term=line.seen.term if line.seen is not None else "",
        taken_back=taken_back_words(line.taken_back) if line.taken_back is not None else "",
        reasons=tuple((reason["direction"] in ("up", "raises", "for", "+") or float(reason.get("points") or 0) > 0, reason["text"])
                      for reason in score.get("reasons") or ()),
        low=score.get("amount_if_recovered_low"),
        high=score.get("amount_if_recovered_high"),
        facts=tuple((name, str(value)) for name, value in facts if value),
    )  # fmt: skip


def taken_back_words(taken: TakenBack) -> str:
    """Say what of a write-off was taken back, and when.

    >>> taken_back_words(TakenBack(5_000, 25_000, date(2026, 10, 6), date(2026, 10, 6)))
    '$50.00 of $250.00 were taken back on 6 Oct 2026.'
    """
    when = f"on {long_day(taken.last)}" if taken.first == taken.last else f"from {long_day(taken.first)} to {long_day(taken.last)}"
    return f"{exact(taken.cents)} of {exact(taken.of)} were taken back {when}."


EXPECTED_WORDS = {
    "own": "by your own contract system",
    "contract": "by contract",
    "usual": "as this payer usually does",
}
"""Whence it is known what should be allowed."""


def waterfall(ledger: Mapping[str, Any], score: Mapping[str, Any], seen: Seen | None = None) -> tuple[Bar, ...]:
    """Return the amounts of a line from the charge down to what can still be recovered; unknown ones are left out.

    Parameters
    ----------
    ledger, score
        The write-off and its score; money in cents.
    seen
        What the rules say of it: what should be allowed and whence, and the patient's share of a line that nothing was paid on.

    Examples
    --------
    >>> bars = waterfall({"billed_amount": 20000, "allowed_amount": 0, "paid_amount": 0, "writeoff_amount": 20000},
    ...                  {"recoverable_amount": 9000}, Seen("", (), expected_allowed=12000, expected_source="usual", patient_share=3000))
    >>> [(bar.name, bar.cents, bar.start, bar.length) for bar in bars][-2:]
    [('Written off', 20000, 0, 1000), ('Can be recovered', 9000, 0, 450)]
    """
    source = seen.expected_source if seen is not None else ""
    expected = seen.expected_allowed if seen is not None else None
    imputed = seen.patient_share if seen is not None else None
    usual = score.get("usual_allowed_amount")
    amounts = [
        ("Charged", ledger.get("billed_amount"), "plain", ""),
        ("Should be allowed", expected, "plain", EXPECTED_WORDS.get(source, "")),
        ("Usually allowed", usual if source in ("own", "contract") else None, "plain", "by this payer for this procedure"),
        ("Allowed", ledger.get("allowed_amount"), "plain", ""),
        ("Paid", ledger.get("paid_amount"), "paid", ""),
        ("Paid by others", ledger.get("other_payer_paid_amount"), "paid", ""),
        ("Patient's share", ledger.get("patient_responsibility_amount"), "share", ""),
        ("Patient's share, assumed", imputed, "share", "nothing was paid, so what patients of this plan usually carry"),
        ("Written off", ledger.get("writeoff_amount"), "off", ""),
        ("Can be recovered", score.get("recoverable_amount"), "back", "at most"),
    ]
    known = [(name, int(cents), kind, note) for name, cents, kind, note in amounts if cents is not None]
    whole = max((abs(cents) for _, cents, _, _ in known), default=0) or 1
    return tuple(Bar(name, cents, 0, round(1000 * abs(cents) / whole), kind, note) for name, cents, kind, note in known)


def _other(holder: str | None, subject: str, *, may_act: bool) -> str:
    """Return who has an item when that keeps whoever looks from acting on it; blank if nothing does."""
    return "" if holder is None or holder == subject or may_act else holder


def _minutes(until: datetime | None, now: datetime) -> int:
    return 0 if until is None else max(0, round((until - now).total_seconds() / 60))


def _asleep_most(item: Item, today: date) -> date:
    """Return the last day until which an item may be put off."""
    most = today + timedelta(days=LONGEST_SNOOZE)
    return min(most, item.lapses_on) if item.lapses_on is not None and item.lapses_on >= today else most


def _remit(line: Mapping[str, Any], codes: Codes) -> RemitLine:
    carc = line.get("carc") or ""
    known = codes.carc(carc) if carc else None
    return RemitLine(
        on=long_day(line["remit_date"]) if line.get("remit_date") else "",
        line=str(line.get("line_number") or "claim"),
        status=str(line.get("claim_status") or ""),
        code=" ".join(filter(None, (line.get("group_code"), carc))),
        meaning=known.meaning if known else "",
        rarcs=str(line.get("rarcs") or ""),
        adjusted=line.get("amount"),
        paid=line.get("paid_amount"),
        is_reversal=bool(line.get("is_reversal")),
    )


def _span(first: date | None, last: date | None) -> str:
    if first is None:
        return ""
    return long_day(first) if last in (None, first) else f"{long_day(first)} to {long_day(last)}"
