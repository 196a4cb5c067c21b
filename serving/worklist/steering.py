"""How a queue is run: its settings, projects and saved views, each changed within a transaction that is under way."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol

from features.errors import CheckFailed, NotFound, UsageError
from serving.access import Identity
from serving.store import listing, policies, projects, views
from serving.store.projects import Project
from serving.store.shelf import StoreShelf
from serving.store.store import Unit
from serving.store.views import View
from serving.worklist.desk import Desk
from serving.worklist.item import Item
from serving.worklist.listing import MOST_ROWS, Query, Totals, Which
from serving.worklist.policy import Policy
from serving.worklist.seen import check_seen


class Tell(Protocol):
    """Writes a line of the access log within a transaction; `AccessLog.tell` is one."""

    def __call__(
        self, unit: Unit, who: Identity, action: str, ids: Sequence[str] = (), *, outcome: str = "done", purpose: str | None = None
    ) -> None:
        """Write it."""


MOST_AT_ONCE = 500
"""Items that are changed, or put into a project, in one go."""

MOST_CONSIDERED = 20_000
"""Items of a list that are looked through for those that go into a project."""


@dataclass(frozen=True, slots=True)
class Steering:
    """Changes how the queue of whoever asks is run. Every method checks that they may, and is told to the access log.

    Parameters
    ----------
    clock, today, tell
        As a `Worklist` has them.
    """

    clock: Callable[[], datetime]
    today: Callable[[], date]
    tell: Tell

    # ---- settings ----------------------------------------------------------------------------------------------------

    def policy(self, unit: Unit, who: Identity) -> Policy:
        """Return how the queue is run."""
        who.check("queue.read")
        return policies.find(unit, who.client_id)

    def set_policy(self, unit: Unit, who: Identity, policy: Policy) -> Policy:
        """Set lease, capacity, sample checks, limit of approval."""
        who.check("queue.settings")
        policies.keep(unit, who.client_id, policy, at=self.clock(), by=who.subject)
        self.tell(unit, who, "queue.settings", [])
        return policy

    def change_policy(self, unit: Unit, who: Identity, changed: Mapping[str, Any], *, seen: str | None) -> Policy:
        """Change some settings, if all are as they were seen."""
        who.check("queue.settings")
        now = policies.find(unit, who.client_id, lock=True)
        check_seen(now, seen)
        return self.set_policy(unit, who, replace(now, **changed))

    # ---- projects ----------------------------------------------------------------------------------------------------

    def project(self, unit: Unit, who: Identity, project_id: str) -> tuple[Project, Totals]:
        """Return a project and the sums of its items."""
        who.check("queue.read")
        found = _found(unit, who, project_id)
        query = Query(Which.ALL, project_id=project_id)
        return found, listing.totals(unit, who, query, now=self.clock(), today=self.today())

    def projects(self, unit: Unit, who: Identity) -> list[Project]:
        """Return the client's projects, the latest first."""
        who.check("queue.read")
        return projects.all_of(unit, who.client_id)

    def make_project(
        self, unit: Unit, who: Identity, *, name: str, cause: str, template: str = "", query: Query | None = None
    ) -> tuple[Project, int]:
        """Begin a project: one cause, many claims; with a query, up to 500 items that it lists go into it, in its order.

        Returns
        -------
        Project, int
            And how many items went in. Items that are in another project stay there.
        """
        who.check("queue.assign")
        if not name.strip():
            raise UsageError("a project has a name")
        now = self.clock()
        project = Project(who.client_id, secrets.token_hex(8), name.strip(), cause.strip(), template.strip(), who.subject, now)
        projects.keep(unit, project)
        touched = self._fill(unit, who, project, query, now) if query is not None else []
        self.tell(unit, who, "queue.assign", touched)
        return project, len(touched)

    def _fill(self, unit: Unit, who: Identity, project: Project, query: Query, now: datetime) -> list[str]:
        desk = Desk(StoreShelf(unit), who, now=now, today=self.today())
        listed = every(unit, who, query, MOST_CONSIDERED, now=now, today=self.today())
        chosen = [item for item in listed if item.project_id is None][:MOST_AT_ONCE]
        for item in sorted(chosen, key=lambda item: item.item_id):
            desk.set_project(item.item_id, item.version, project.project_id)
        return sorted(desk.touched)

    def change_project(
        self,
        unit: Unit,
        who: Identity,
        project_id: str,
        changed: Mapping[str, str | None],
        *,
        is_ended: bool | None,
        seen: str | None = None,
    ) -> Project:
        """Change the words of a project (name, cause, template; None leaves what is), or end it, if it is as it was seen."""
        who.check("queue.assign")
        found = _found(unit, who, project_id, lock=True)
        check_seen(found, seen)
        words = {name: text.strip() for name, text in changed.items() if text is not None}
        after = replace(
            found,
            name=words.get("name", found.name),
            cause=words.get("cause", found.cause),
            template=words.get("template", found.template),
        )
        if not after.name:
            raise UsageError("a project has a name")
        if is_ended is not None:
            after = replace(after, ended_at=(found.ended_at or self.clock()) if is_ended else None)
        projects.keep(unit, after)
        self.tell(unit, who, "queue.assign", [project_id])
        return after

    def check_open(self, unit: Unit, who: Identity, project_id: str | None) -> None:
        """Return if items may be put into a project: it is the client's, and goes on.

        Raises
        ------
        NotFound
            When there is none.
        CheckFailed
            When it was ended.
        """
        if project_id is not None and _found(unit, who, project_id).ended_at is not None:
            raise CheckFailed("the project was ended; nothing is put into it")

    # ---- saved views -------------------------------------------------------------------------------------------------

    def views(self, unit: Unit, who: Identity) -> list[View]:
        """Return one's own saved views and shared ones."""
        who.check("queue.read")
        return views.seen_by(unit, who.client_id, who.subject)

    def save_view(
        self, unit: Unit, who: Identity, name: str, query: Mapping[str, str], *, is_shared: bool = False, seen: str | None = None
    ) -> View:
        """Save filters and order under a name of one's own; only leads share. `seen` is blank for a name that is free."""
        who.check("queue.assign" if is_shared else "queue.read")
        if not name.strip():
            raise UsageError("a view has a name")
        known = views.seen_by(unit, who.client_id, who.subject)
        before = next((one for one in known if (one.owner, one.name) == (who.subject, name.strip())), None)
        if before is not None:
            check_seen(before, seen)
        elif seen:
            raise NotFound("there is no such view")
        elif len(known) >= views.MOST_VIEWS:
            raise CheckFailed(f"there are {views.MOST_VIEWS} saved views; remove one first")
        view = View(who.client_id, who.subject, name.strip(), self.clock(), dict(query), is_shared)
        views.keep(unit, view)
        return view

    def remove_view(self, unit: Unit, who: Identity, name: str) -> None:
        """Remove one of one's own views."""
        who.check("queue.read")
        if not views.remove(unit, who.client_id, who.subject, name):
            raise NotFound("there is no such view")


def every(unit: Unit, who: Identity, query: Query, most: int, *, now: datetime, today: date) -> list[Item]:
    """Return up to so many items of a list, in its order."""
    found: list[Item] = []
    asked = replace(query, size=MOST_ROWS, after=None)
    while len(found) < most:
        page = listing.page(unit, who, asked, now=now, today=today)
        found += page.items
        if page.next is None:
            break
        asked = replace(asked, after=page.next)
    return found[:most]


def _found(unit: Unit, who: Identity, project_id: str, *, lock: bool = False) -> Project:
    found = projects.find(unit, who.client_id, project_id, lock=lock)
    if found is None:
        raise NotFound("there is no such project")
    return found
