"""The pages of the work queue: one look, one navigation, and what was just done in a line above."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from features.codes.tables import Codes
from features.errors import Unavailable
from serving.access import ROLES, Identity
from serving.candidates import Candidates
from serving.identity.visits import Visit
from serving.packet.files import Files
from serving.packet.papers import MEDIA, Format, Papers
from serving.web.cards import Card
from serving.web.rendering import page
from serving.web.words import spoken
from serving.worklist.listing import Query, Totals, Which
from serving.worklist.worklist import Worklist

SAID_COOKIE = "recoup_said"
UNDO_SECONDS = 10
SECONDS_REMEMBERED, MOST_REMEMBERED = 5.0, 1_000
"""How long sums over all items stand on pages, and how many of them are kept."""

T = TypeVar("T")

SAID = {
    "taken": "It is yours now.",
    "released": "Given back.",
    "draft": "Begun; it waits for you under Mine.",
    "begin": "Awake again, and begun by you.",
    "wake": "Awake again; it waits in the queue.",
    "send": "Sent. The day to ask again is noted.",
    "follow_up": "Noted. The next day to ask is set.",
    "win": "Won. The ledger is asked to reverse the write-off.",
    "take_back": "Noted. The ledger is asked to let the write-off stand again.",
    "pay_again": "Noted. The ledger is asked to reverse the write-off.",
    "lose": "Closed as refused.",
    "next_level": "It waits for the next level.",
    "skip": "Skipped.",
    "snooze": "Put off.",
    "close": "Given up.",
    "reopen": "Brought back.",
    "assign": "Given.",
    "note": "Added.",
    "undo": "Taken back.",
    "empty": "Nothing waits for you here.",
    "bulk": "Done with all that were chosen.",
    "enclosed": "Enclosed.",
    "file_removed": "Taken away.",
    "batch": "The batch is yours. Begin at the top; after each act the next of it opens.",
    "kept": "The view is kept.",
    "removed": "The view is removed.",
    "project": "The project is begun.",
    "project_kept": "The project is changed.",
    "approved": "Approved.",
    "refused": "Refused.",
    "promoted": "It was made the one that serves. The service takes it up within some seconds.",
    "settings": "The settings are kept.",
    "overpayment": "What was found out is kept.",
    "unknown": "No claim or write-off of that number is in the queue.",
}
"""What a page says after an act; the cookie between two pages holds only the name."""

UNDOABLE = frozenset(
    (
        "draft",
        "begin",
        "wake",
        "send",
        "follow_up",
        "win",
        "take_back",
        "pay_again",
        "lose",
        "next_level",
        "skip",
        "snooze",
        "close",
        "reopen",
    )  # fmt: skip
)


@dataclass(frozen=True, slots=True)
class Undo:
    """An act that may be taken back for some seconds."""

    item_id: str
    version: int
    seconds: int = UNDO_SECONDS


@dataclass(frozen=True, slots=True)
class Said:
    """The line above a page."""

    text: str
    kind: str = "done"
    undo: Undo | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A page in the navigation."""

    name: str
    href: str
    is_here: bool
    count: int = 0


PLACES = (
    ("Queue", "/queue", "queue.read"),
    ("Follow-ups", "/follow-ups", "queue.read"),
    ("Payers", "/payers", "queue.read"),
    ("Projects", "/projects", "queue.read"),
    ("Lead", "/lead", "queue.assign"),
    ("Opportunity", "/opportunity", "report.read"),
    ("Models", "/models", "model.read"),
)
"""Name, address, and the action that one must be allowed to see it."""


BULK: Mapping[str, tuple[str, str]] = {
    "assign": ("Give to somebody", "queue.assign"),
    "project": ("Put into a project", "queue.assign"),
    "skip": ("Skip", "queue.work"),
    "snooze": ("Put off", "queue.work"),
    "wake": ("Wake", "queue.work"),
    "letter_docx": ("One letter for all, as Word", "packet.read"),
    "letter_pdf": ("One letter for all, as PDF", "packet.read"),
    "export_csv": ("Export as CSV", "export.read"),
    "export_xlsx": ("Export as XLSX", "export.read"),
}
"""What may be done with many items: its name on the page, and the action that one must be allowed."""


@dataclass(frozen=True, slots=True)
class May:
    """What whoever looks may do, for the buttons of a page; the routes check for themselves."""

    work: bool
    assign: bool
    packet: bool
    attach: bool
    export: bool
    approve: bool
    settings: bool


class Site:
    """What all pages share.

    Parameters
    ----------
    worklist
        The work queue.
    clock, today
        The moment, with its zone, and the day on the wall.
    codes
        Returns the code tables that hold now.
    names
        Returns how the people of a client are called, by subject.
    papers
        Writes letters; None where there are none.
    card
        Returns what there is to say of the model that serves.
    notice
        A line that stands on every page; blank for none.
    candidates
        Models that might serve; None where they are not to be had.
    """

    def __init__(
        self,
        worklist: Worklist,
        *,
        clock: Callable[[], datetime],
        today: Callable[[], date],
        codes: Callable[[], Codes],
        names: Callable[[str], Mapping[str, str]],
        papers: Papers | None = None,
        card: Callable[[], Card] = lambda: Card("prior"),
        notice: str = "",
        candidates: Candidates | None = None,
    ) -> None:
        self.worklist, self.clock, self.today, self.codes, self.names = worklist, clock, today, codes, names
        self.papers, self.card, self.notice, self.candidates = papers, card, notice, candidates
        self._sums: dict[Hashable, tuple[float, Any]] = {}

    def counts(self, who: Identity) -> Mapping[Which, int]:
        """Return how many items each list has; some seconds old where nobody here has changed anything since."""
        return self.remembered(("counts", who.client_id, who.facilities, who.subject), lambda: self.worklist.counts(who))

    def totals(self, who: Identity, query: Query) -> Totals:
        """Return the sums of a list, remembered like `counts`."""
        own = who.subject if query.which is Which.MINE else ""
        return self.remembered((replace(query, after=None), who.client_id, who.facilities, own), lambda: self.worklist.totals(who, query))

    def remembered(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` gives, some seconds old at most, and never older than the last change made here."""
        now = time.monotonic()
        found = self._sums.get(key)
        if found is None or now - found[0] > SECONDS_REMEMBERED:
            if len(self._sums) >= MOST_REMEMBERED:
                self._sums.clear()
            found = self._sums[key] = (now, make())
        value: T = found[1]
        return value

    def forget(self) -> None:
        """Take all sums anew."""
        self._sums.clear()

    def page(self, request: Request, visit: Visit, template: str, *, status: int = 200, **shown: Any) -> HTMLResponse:
        """Return a page for somebody who is signed in."""
        response = page(template, status, **self._frame(request, visit), **shown)
        if SAID_COOKIE in request.cookies:
            response.delete_cookie(SAID_COOKIE, path="/")
        return response

    def message(
        self, request: Request, visit: Visit, status: int, text: str, *, heading: str = "That did not work", back: str = "/queue"
    ) -> HTMLResponse:
        """Return a page that says why something was not done."""
        return self.page(request, visit, "message.html.j2", status=status, heading=heading, text=text[:1].upper() + text[1:], back=back)

    def file(self, content: bytes, name: str, media: str) -> Response:
        """Return a file to be kept."""
        return Response(content, 200, {"content-disposition": f'attachment; filename="{name}"'}, media)

    def file_of(self, stem: str, form: Format, content: bytes) -> Response:
        """Return papers to be kept."""
        return self.file(content, f"{stem}.{form}", MEDIA[form])

    def letter(self, who: Identity, item_ids: Sequence[str], form: Format) -> Response:
        """Return one letter for some items; raises as `Papers.of_items`."""
        return self.file_of("letter", form, self.needed_papers().of_items(who, item_ids, form))

    def needed_papers(self) -> Papers:
        """Return what writes letters; Unavailable where there is none."""
        if self.papers is None:
            raise Unavailable("no letters are written here")
        return self.papers

    def needed_files(self) -> Files:
        """Return what keeps files behind letters; Unavailable where nothing does."""
        files = self.needed_papers().files
        if files is None:
            raise Unavailable("no files are kept here")
        return files

    def go(self, href: str, said: str = "", *, item_id: str = "", version: int = 0) -> Response:
        """Send the browser on, with a line to be shown there; every change ends here, so sums are taken anew."""
        self.forget()
        response = RedirectResponse(href, 303)
        if said:
            cookie = base64.urlsafe_b64encode(json.dumps([said, item_id, version]).encode()).decode()
            response.set_cookie(SAID_COOKIE, cookie, max_age=30, path="/", httponly=True, samesite="strict")
        return response

    def may(self, visit: Visit) -> May:
        """Return what somebody may do."""
        can = visit.identity.may
        actions = ("queue.work", "queue.assign", "packet.read", "packet.attach", "export.read", "reversal.approve", "queue.settings")
        return May(*(can(action) for action in actions))

    def _frame(self, request: Request, visit: Visit) -> dict[str, Any]:
        path = request.url.path
        due = self.counts(visit.identity)[Which.FOLLOW_UP] if visit.identity.may("queue.read") else 0
        places = tuple(
            Place(name, href, path == href or path.startswith(f"{href}/"), due if href == "/follow-ups" else 0)
            for name, href, action in PLACES
            # An audit is of all facilities: who sees only some finds none.
            if visit.identity.may(action) and (href != "/opportunity" or visit.identity.facilities is None)
        )
        frame = {
            "places": places,
            "notice": self.notice,
            "name": visit.person.name,
            "role": f"{spoken(str(visit.identity.role))}: {ROLES[visit.identity.role]}",
            "form_token": visit.form_token,
            "session_seconds": visit.seconds_left(self.clock()),
            "said": said_in(request.cookies.get(SAID_COOKIE)),
        }
        return {
            "site": frame,
            "may": self.may(visit),
            "bulk": {name: words for name, (words, action) in BULK.items() if visit.identity.may(action)},
        }


def said_in(cookie: str | None) -> Said | None:
    """Read the line that the page before left; what is not of its form says nothing.

    >>> said_in(base64.urlsafe_b64encode(b'["skip", "a1", 4]').decode())
    Said(text='Skipped.', kind='done', undo=Undo(item_id='a1', version=4, seconds=10))
    >>> said_in("no"), said_in(None)
    (None, None)
    """
    if not cookie or len(cookie) > 400:
        return None
    try:
        name, item_id, version = json.loads(base64.b64decode(cookie.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None
    if name not in SAID or not isinstance(item_id, str) or not isinstance(version, int):
        return None
    is_problem = name in ("unknown", "empty")
    return Said(SAID[name], "problem" if is_problem else "done", Undo(item_id, version) if name in UNDOABLE and item_id else None)
