"""A list of work items as a page shows it: rows in words, filters that live in the address, sums above."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from features.codes.tables import FAMILIES, Codes
from features.errors import UsageError
from features.tables import REMEDIES
from serving.web.words import ACTIONS, STATE_WORDS, Code, Due, age, asking, band_of, due, ended, in_ten, long_day, spoken
from serving.worklist.acts import LOSS_REASONS, SKIP_REASONS
from serving.worklist.detail import Line
from serving.worklist.item import READY, Item, State
from serving.worklist.listing import Page, Query, Sort, Totals, Which

TABS = (
    (Which.READY, "To do", "Waiting for somebody to take them, best value for an hour of work first."),
    (Which.MINE, "Mine", "Held by you or given to you, and not done."),
    (Which.FOLLOW_UP, "Follow-ups due", "Sent, and the day to ask the payer again has come."),
    (Which.SENT, "Sent", "With the payer."),
    (Which.CHECKS, "Sample checks", "Drawn by lot, so that the ranking can be checked. Work them like any other."),
    (Which.ASLEEP, "Asleep", "Put off until a day."),
    (Which.LAPSED, "Past their day", "The last day to act has passed; nobody is offered them."),
    (Which.SKIPPED, "Skipped", "Left out with a reason. A lead may bring them back."),
    (Which.WON, "Won", "The payer paid."),
    (Which.LOST, "Lost", "The payer refused for good."),
    (Which.ALL, "All", "Every item."),
)
"""The lists a page offers: which, its name, and what is in it."""

SORTS = {
    Sort.VALUE: "value of an hour",
    Sort.EXPECTED: "expected dollars",
    Sort.DUE: "last day",
    Sort.FOLLOW_UP: "day to ask again",
}
"""Orders, in words."""

DECIDED = (State.WON, State.LOST)
"""States in which it is known what came in."""
LISTS_WITH_ASLEEP = (Which.ASLEEP, Which.MINE, Which.ALL)
"""Lists that items stand on that may be woken; where others wait none of them sleeps."""
LISTS_OF_DECIDED, LISTS_OF_LEFT = (Which.WON, Which.LOST), (Which.SKIPPED, Which.CLOSED)

FILTERS = ("payer_id", "carc", "remedy", "family", "assigned_to", "project_id", "due_before")
LONGEST_FILTER = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One item in words.

    Parameters
    ----------
    item
        The item.
    action, step
        What to do, in two words and in a sentence.
    carc, rarcs
        Why it was not paid.
    due, due_label
        The day that counts now, and what it is: the last day to act, the day to ask again, or the day of the decision; None where none
        is known.
    band, chance, chance_in_ten
        How likely it is, as a class, a word and a phrase.
    age
        Since the write-off.
    state, reason
        Where the work stands, and why it was left or lost, or that a reversal of it was refused; blank where there is nothing to say.
    came
        Cents that came in for an item that was decided; None of others, and where it was not looked up.
    who
        Whose it is; blank for nobody's.
    is_mine, is_check, is_pinned
        Held by or given to whoever looks; drawn by lot; its last day, which somebody set, is within two weeks.
    """

    item: Item
    action: str
    step: str
    carc: Code | None
    rarcs: tuple[Code, ...]
    due: Due | None
    due_label: str
    band: str
    chance: str
    chance_in_ten: str
    age: str
    state: str
    reason: str
    came: int | None
    who: str
    is_mine: bool
    is_check: bool

    @property
    def is_pinned(self) -> bool:
        """Whether its last day is near."""
        return self.due is not None and self.due.is_soon and not self.due.is_guess


@dataclass(frozen=True, slots=True)
class Tab:
    """A list in the navigation."""

    which: Which
    name: str
    count: int
    href: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A list with everything around it; `came` are the cents that came in for all of a list of what was decided, else None."""

    title: str
    about: str
    query: Query
    rows: tuple[Row, ...]
    totals: Totals
    came: int | None
    is_left: bool
    has_asleep: bool
    tabs: tuple[Tab, ...]
    next_href: str | None
    first_href: str | None
    filters: Mapping[str, str]
    narrowed: str
    sorts: Mapping[str, str]
    remedies: Mapping[str, str]
    families: Sequence[str]


def listing(
    page: Page,
    totals: Totals,
    *,
    query: Query,
    counts: Mapping[Which, int],
    lines: Mapping[str, Line],
    subject: str,
    names: Mapping[str, str],
    now: datetime,
    today: date,
    codes: Codes,
    pinned: Sequence[Item] = (),
    came: Mapping[str, int] | None = None,
    came_in_all: int | None = None,
    refused: Set[str] = frozenset(),
    path: str = "/queue",
) -> Listing:
    """Return a list as a page shows it.

    Parameters
    ----------
    page, totals, query
        What was read, and by which question.
    counts
        Items of every list.
    lines
        Item id to the write-off of it that is expected to bring most.
    subject, names
        Who looks, and how people are called.
    now, today
        The moment, and the day on the wall.
    codes
        Meanings of codes.
    pinned
        Items that stand before the others because their last day is near.
    came, came_in_all
        Cents that came in by item, and for the whole list; None where that was not looked up.
    refused
        Items with a request to the ledger that a second person refused: whoever asked is told where they look.
    path
        The page that the list stands on.
    """
    _, title, about = next(tab for tab in TABS if tab[0] is query.which)
    first = {item.item_id: item for item in pinned}
    shown = [*first.values(), *(item for item in page.items if item.item_id not in first)]
    rows = tuple(
        row_of(
            item,
            lines.get(item.item_id),
            subject=subject,
            names=names,
            now=now,
            today=today,
            codes=codes,
            came=came,
            is_refused=item.item_id in refused,
        )
        for item in shown
    )
    tabs = tuple(
        Tab(which, name, counts.get(which, 0), address(Query(which)), which is query.which)
        for which, name, _ in TABS
        if counts.get(which, 0) or which in (Which.READY, Which.MINE, Which.FOLLOW_UP) or which is query.which
    )
    return Listing(
        title=title,
        about=about,
        query=query,
        rows=rows,
        totals=totals,
        came=came_in_all,
        is_left=query.which in LISTS_OF_LEFT,
        has_asleep=query.which in LISTS_WITH_ASLEEP,
        tabs=tabs,
        next_href=address(replace(query, after=page.next), path) if page.next else None,
        first_href=address(replace(query, after=None), path) if query.after else None,
        filters={name: _text(value) for name in FILTERS if (value := getattr(query, name)) is not None},
        narrowed=narrowed(query, names),
        sorts={sort.value: words for sort, words in SORTS.items() if sort is not Sort.FOLLOW_UP or query.which is Which.FOLLOW_UP},
        remedies={name: ACTIONS[name] for name in REMEDIES if name != "none"},
        families=FAMILIES,
    )


def row_of(
    item: Item,
    line: Line | None,
    *,
    subject: str,
    names: Mapping[str, str],
    now: datetime,
    today: date,
    codes: Codes,
    came: Mapping[str, int] | None = None,
    is_refused: bool = False,
) -> Row:
    """Return an item in words; `came` are cents that came in by item, `is_refused` says that a reversal of it was refused."""
    band, chance = band_of(item.worth.probability)
    ledger: Mapping[str, Any] = line.writeoff if line is not None else {}
    holder = item.holder(now) or item.assigned_to
    carc = ledger.get("carc") or item.worth.carc
    known = codes.carc(carc) if carc else None
    remarks = [(code, codes.rarc(code)) for code in str(ledger.get("rarcs") or "").split()]
    remedy = codes.remedies.get(item.remedy)
    due_label, day = day_of(item, today)
    step = line.seen.step_of(item.remedy) if line is not None and line.seen is not None else remedy.next_step if remedy else ""
    return Row(
        item=item,
        action=ACTIONS.get(item.remedy, spoken(item.remedy)),
        step=step,
        carc=Code(carc, known.meaning if known else "a code that is in no table") if carc else None,
        rarcs=tuple(Code(code, remark.meaning if remark else "a remark that is in no table") for code, remark in remarks),
        due=day,
        due_label=due_label,
        band=band,
        chance=chance,
        chance_in_ten=in_ten(item.worth.probability),
        age=age(ledger.get("writeoff_date"), today),
        state=standing(item, today),
        reason="reversal refused" if is_refused else reason_of(item),
        came=came.get(item.item_id, 0) if came is not None and item.state in DECIDED else None,
        who="" if holder is None else "you" if holder == subject else names.get(holder, holder),
        is_mine=holder == subject,
        is_check=item.in_lot and item.worked_on is None,
    )


def standing(item: Item, today: date) -> str:
    """Say where the work on an item stands: of one that waits also that it sleeps, or that nobody is offered it any more.

    >>> from serving.worklist.item import Worth
    >>> item = Item("c", "i1", "appeal", Worth("P"), snoozed_until=date(2026, 12, 5))
    >>> standing(item, date(2026, 12, 1)), standing(item, date(2026, 12, 5))
    ('Asleep until 5 Dec 2026', 'To do')
    """
    if item.state in READY and item.snoozed_until is not None and item.snoozed_until > today:
        return f"Asleep until {long_day(item.snoozed_until)}"
    if item.state in READY and item.lapses_on is not None and item.lapses_on < today:
        return "Past its day"
    return STATE_WORDS[item.state.value]


def reason_of(item: Item) -> str:
    """Say why an item was left or lost; blank for another one, and where nobody said."""
    if item.state not in (State.LOST, State.SKIPPED, State.CLOSED) or not item.reason:
        return ""
    return (LOSS_REASONS if item.state is State.LOST else SKIP_REASONS).get(item.reason, spoken(item.reason).lower())


def day_of(item: Item, today: date) -> tuple[str, Due | None]:
    """Return what the day that counts now is, and the day."""
    if item.state is State.SENT and item.follow_up_on is not None:
        return "Ask again on", asking(item.follow_up_on, today)
    if item.state in (State.WON, State.LOST):
        return "Decided on", ended(item.decided_on, STATE_WORDS[item.state.value]) if item.decided_on is not None else None
    return "Last day", due(item.due_on, item.due_source or "", today) if item.due_on is not None else None


def query_of(asked: Mapping[str, str]) -> Query:
    """Read a question from the address of a page; what is blank is not asked.

    Raises
    ------
    UsageError
        When a name or a value is none of those that a list knows.

    Examples
    --------
    >>> query_of({"which": "mine", "payer_id": "ACME", "carc": ""}).payer_id
    'ACME'
    >>> query_of({"sort": "colour"})
    Traceback (most recent call last):
    features.errors.UsageError: a list has no such sort
    """
    told: dict[str, Any] = {name: asked[name].strip() for name in FILTERS if asked.get(name, "").strip()}
    if any(len(value) > LONGEST_FILTER for value in told.values()):
        raise UsageError(f"a filter has at most {LONGEST_FILTER} characters")
    for name, kind in (("which", Which), ("sort", Sort)):
        if asked.get(name):
            try:
                told[name] = kind(asked[name])
            except ValueError:
                raise UsageError(f"a list has no such {'list' if name == 'which' else name}") from None
    if "due_before" in told:
        try:
            told["due_before"] = date.fromisoformat(told["due_before"])
        except ValueError:
            raise UsageError("due_before is a day like 2026-11-30") from None
    if asked.get("after"):
        told["after"] = asked["after"]
    return Query(**told)


def address(query: Query, path: str = "/queue") -> str:
    """Return the address of a list.

    >>> address(Query(Which.MINE, payer_id="A & B")), address(Query())
    ('/queue?which=mine&payer_id=A+%26+B', '/queue')
    """
    return _link(path, asked(query))


def narrowed(query: Query, names: Mapping[str, str]) -> str:
    """Say what narrows a list, and its order where that is not the usual one.

    >>> narrowed(Query(payer_id="ACME", remedy="appeal", sort=Sort.DUE), {}), narrowed(Query(), {})
    ('payer ACME, appeal, by last day', '')
    """
    words: dict[str, Callable[[str], str]] = {
        "payer_id": lambda value: f"payer {value}",
        "carc": lambda value: f"reason code {value}",
        "remedy": lambda value: ACTIONS.get(value, spoken(value)).lower(),
        "family": lambda value: spoken(value).lower(),
        "assigned_to": lambda value: f"given to {names.get(value, value)}",
        "project_id": lambda value: "one project",
        "due_before": lambda value: f"due before {long_day(date.fromisoformat(value))}",
    }
    told = [words[name](_text(value)) for name in FILTERS if (value := getattr(query, name)) is not None]
    return ", ".join([*told, *([f"by {SORTS[query.order]}"] if query.sort is not None else [])])


def asked(query: Query) -> dict[str, str]:
    """Return what of a question is not as usual, as an address or a saved view holds it."""
    usual = Query()
    names = [field.name for field in fields(Query) if field.name in ("which", "sort", "after", *FILTERS)]
    return {name: _text(value) for name in names if (value := getattr(query, name)) != getattr(usual, name) and value is not None}


def _link(path: str, asked: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(asked)}" if asked else path


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
