"""What is done with many items at once: those chosen on a page, or all of a list; told first, done when confirmed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import FastAPI, Request
from fastapi.responses import Response

from features.errors import BadData, CheckFailed, RecoupError, UsageError
from serving.access import Identity
from serving.export import to_csv, to_xlsx
from serving.identity.visits import Visit
from serving.store.listing import came_of
from serving.web.exports import KINDS, table_of
from serving.web.forms import Fields
from serving.web.lists import address, query_of
from serving.web.projects import preface_in
from serving.web.site import BULK, Site
from serving.web.visitors import Form, check, gate_of, visitor
from serving.worklist.acts import SKIP_REASONS
from serving.worklist.desk import Desk
from serving.worklist.item import Item
from serving.worklist.listing import Query
from serving.worklist.steering import MOST_AT_ONCE

Change = Callable[[Desk, str, int], object]
"""Changes one item, given its id and the version that was seen."""

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that was left as it was, and why."""

    item_id: str
    claim: str
    text: str


def add_bulk(app: FastAPI, site: Site) -> None:
    """Add the pages of what is done with many items."""
    bulk = Bulk(site)

    @app.post("/bulk", include_in_schema=False)
    def choose(request: Request, visit: Annotated[Visit, visitor("queue.read")], form: Form) -> Response:
        return bulk.ask(request, visit, form)

    @app.post("/bulk/do", include_in_schema=False)
    def do(request: Request, visit: Annotated[Visit, visitor("queue.read")], form: Form) -> Response:
        return bulk.do(request, visit, form)


class Bulk:
    """What is done with many items at once.

    Parameters
    ----------
    site
        Its pages and its queue.
    """

    def __init__(self, site: Site) -> None:
        self._site, self._worklist = site, site.worklist

    def ask(self, request: Request, visit: Visit, form: Fields) -> Response:
        """Return the file or the letter of the chosen items; of an act, the page on which it is confirmed."""
        who, act, query = visit.identity, form.text("act", 20), _query(form)
        if act not in BULK:
            return self._site.message(
                request, visit, 422, "choose what to do with the items", heading="Nothing was chosen", back=address(query)
            )
        check(request, who, BULK[act][1])
        is_all = form.text("scope", 10) == "all"
        if act.startswith("export_"):
            return self._export(request, who, act, query if is_all else list(_chosen(form)))
        seen = (
            {item.item_id: item for item in self._worklist.every(who, query)}
            if is_all
            else self._worklist.find_many(who, list(_chosen(form)))
        )
        if not seen:
            return self._site.message(
                request, visit, 422, "choose items first, by the boxes before them", heading="Nothing was chosen", back=address(query)
            )
        if act.startswith("letter_"):
            try:
                return self._site.letter(who, list(seen), "pdf" if act == "letter_pdf" else "docx")
            except RecoupError as error:
                return self._site.message(
                    request, visit, error.http_status, str(error), heading="There is no letter for these", back=address(query)
                )
        return self._confirm(request, visit, act, query, seen, {} if is_all else _chosen(form))

    def _confirm(
        self, request: Request, visit: Visit, act: str, query: Query, seen: Mapping[str, Item], versions: Mapping[str, int]
    ) -> Response:
        """Return the page that says what would be done; `versions` are those of a page, none: all of a list was meant."""
        who, is_all = visit.identity, not versions
        # Of those chosen on a page the version is that of the page: who changed one meanwhile is told.
        versions = {item_id: item.version for item_id, item in seen.items()} if is_all else versions
        whole = self._worklist.totals(who, query).items if is_all else len(seen)
        names = self._site.names(who.client_id)
        hands = self._worklist.hands(who, list(seen.values())) if act == "assign" else ()
        return self._site.page(
            request,
            visit,
            "bulk.html.j2",
            act=act,
            heading=BULK[act][0],
            chosen=[(item, versions[item.item_id]) for item in seen.values()],
            whole=whole,
            expected=sum(item.worth.expected for item in seen.values()),
            most=MOST_AT_ONCE,
            back=address(query),
            reasons=SKIP_REASONS,
            people={subject: names.get(subject, subject) for subject in hands},
            projects=[project for project in self._worklist.projects(who) if project.ended_at is None],
            today=self._site.today().isoformat(),
        )

    def do(self, request: Request, visit: Visit, form: Fields) -> Response:
        """Do what was confirmed, and tell what was left as it was."""
        who, act = visit.identity, form.text("act", 20)
        back = _path(form.text("back", 500))
        try:
            if act in BULK:
                check(request, who, BULK[act][1])
            change, there = self._change_of(who, act, form, back)
            done, failures = self._change_all(who, BULK[act][1], _chosen(form), change)
        except RecoupError as error:
            return self._site.message(request, visit, error.http_status, str(error))
        if not failures:
            return self._site.go(there, "bulk")
        return self._site.page(request, visit, "bulk_done.html.j2", status=409, done=done, failures=failures, back=there)

    def _change_of(self, who: Identity, act: str, form: Fields, back: str) -> tuple[Change, str]:
        """Return what is done with each item, and the page to go on to."""
        if act == "skip":
            reason, text = form.text("reason", 40), form.text("text", 500)
            if reason not in SKIP_REASONS:
                raise UsageError("choose a reason")
            return (lambda desk, item_id, version: desk.skip(item_id, version, reason, text)), back
        if act == "snooze":
            until: date = form.needed_day("until")
            text = form.text("text", 500)
            return (lambda desk, item_id, version: desk.snooze(item_id, version, until, text)), back
        if act == "wake":
            return (lambda desk, item_id, version: desk.wake(item_id, version)), back
        if act == "assign":
            to = form.text("to", 100) or None
            if to is not None and to not in self._site.names(who.client_id):
                raise BadData("there is nobody of that name")
            return (lambda desk, item_id, version: desk.assign(item_id, version, to)), back
        if act == "project":
            project_id = form.text("project_id", 40)
            if project_id:
                self._worklist.project(who, project_id)
            else:
                made, _ = self._worklist.make_project(
                    who, name=form.text("name", 100), cause=form.text("cause", 500), template=preface_in(form)
                )
                project_id = made.project_id
            return (lambda desk, item_id, version: desk.set_project(item_id, version, project_id)), f"/projects/{project_id}"
        raise UsageError("choose what to do with the items")

    def _change_all(self, who: Identity, action: str, chosen: Mapping[str, int], change: Change) -> tuple[int, list[Failure]]:
        """Change items one by one in one transaction; those that cannot be changed are left and told."""
        if len(chosen) > MOST_AT_ONCE:
            raise UsageError(f"at most {MOST_AT_ONCE} items are changed at once, not {len(chosen)}")
        found = self._worklist.find_many(who, list(chosen))
        names = self._site.names(who.client_id)
        failures = [Failure(item_id, "", "it is no longer there") for item_id in chosen if item_id not in found]
        with self._worklist.desk(who, action) as desk:
            for item_id in sorted(found):
                try:
                    change(desk, item_id, chosen[item_id])
                except (CheckFailed, UsageError) as error:
                    failures.append(Failure(item_id, found[item_id].worth.claim_id or "", _plain(str(error), found[item_id], names)))
        return len(chosen) - len(failures), failures

    def _export(self, request: Request, who: Identity, act: str, chosen: Query | Sequence[str]) -> Response:
        listed = self._worklist.export(who, chosen)
        with gate_of(request).store.read() as unit:
            came = came_of(unit, who, [item.item_id for item in listed])
        table = table_of(listed, self._site.names(who.client_id), self._site.codes(), came)
        name = f"queue-{self._site.today().isoformat()}"
        if act == "export_csv":
            return self._site.file(to_csv(table, KINDS), f"{name}.csv", "text/csv; charset=utf-8")
        return self._site.file(to_xlsx(table, KINDS), f"{name}.xlsx", XLSX)


def _chosen(form: Fields) -> dict[str, int]:
    """Return the ids of the chosen items with the version that was seen of each."""
    found: dict[str, int] = {}
    for value in form.all("item"):
        item_id, _, version = value.partition(" ")
        if not item_id or len(item_id) > 64 or not (version.isascii() and version.isdigit()) or len(version) > 12:
            raise BadData("an item of the form cannot be read; open the list again")
        found[item_id] = int(version)
    if len(found) > MOST_AT_ONCE:
        raise BadData(f"at most {MOST_AT_ONCE} items are chosen at once, not {len(found)}")
    return found


def _query(form: Fields) -> Query:
    return query_of(form.starting("q_"))


def _path(path: str) -> str:
    """Return a list of ours to go back to."""
    return path if path == "/queue" or path.startswith("/queue?") else "/queue"


def _plain(text: str, item: Item, names: Mapping[str, str]) -> str:
    """Say an error by the claim and the names that people know, not by the ids that they do not."""
    text = text.replace(f"item {item.item_id} ", "it ")
    for subject, name in names.items():
        text = text.replace(subject, name)
    return text
