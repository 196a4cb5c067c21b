"""Pages of projects: one cause, many claims, one letter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import FastAPI, Path, Request
from fastapi.responses import Response

from features.errors import RecoupError
from serving.identity.visits import Visit
from serving.packet.papers import Outlook, Part
from serving.packet.preface import MOST_LETTERS, check_preface
from serving.store import listing as stored
from serving.store.projects import Project
from serving.web.forms import Fields
from serving.web.lists import listing, query_of
from serving.web.site import Site
from serving.web.visitors import Form, gate_of, visitor
from serving.web.words import ACTIONS, STATE_WORDS, long_day, spoken
from serving.worklist.listing import Query, Totals, Which

ProjectId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


@dataclass(frozen=True, slots=True)
class Summary:
    """A project in a list of projects."""

    project: Project
    totals: Totals
    by: str
    on: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter that a project needs: whom it is to and about what, how many items it is for, and what it would lack."""

    words: str
    items: int
    query: str
    missing: tuple[str, ...]
    refusal: str


def letter_of(project_id: str, part: Part, count: int, outlook: Outlook) -> Letter:
    """Return a letter of a project as its page shows it."""
    told = {name: value for name in ("payer_id", "remedy", "group", "carc") if (value := getattr(part, name))}
    reason = "-".join(filter(None, (part.group, part.carc)))
    words = ", ".join(filter(None, (ACTIONS.get(part.remedy, spoken(part.remedy)), part.payer_id, reason)))
    return Letter(words, count, urlencode(told), outlook.missing, outlook.refusal)


def preface_in(form: Fields) -> str:
    """Return the words of a project's letters that a form sent; raises as `check_preface`."""
    return check_preface(form.text("template", MOST_LETTERS))


def add_projects(app: FastAPI, site: Site) -> None:
    """Add the pages of projects."""
    pages = Projects(site)

    @app.get("/projects", include_in_schema=False)
    def projects(request: Request, visit: Annotated[Visit, visitor("queue.read")]) -> Response:
        return pages.listed(request, visit)

    @app.post("/projects", include_in_schema=False)
    def begin(request: Request, visit: Annotated[Visit, visitor("queue.assign")], form: Form) -> Response:
        return pages.begin(request, visit, form)

    @app.get("/projects/{project_id}", include_in_schema=False)
    def project(request: Request, project_id: ProjectId, visit: Annotated[Visit, visitor("queue.read")]) -> Response:
        return pages.show(request, visit, project_id)

    @app.post("/projects/{project_id}", include_in_schema=False)
    def change(request: Request, project_id: ProjectId, visit: Annotated[Visit, visitor("queue.assign")], form: Form) -> Response:
        return pages.change(request, visit, project_id, form)

    @app.get("/projects/{project_id}/letter.{form}", include_in_schema=False)
    def letter(
        request: Request, project_id: ProjectId, form: Literal["docx", "pdf"], visit: Annotated[Visit, visitor("packet.read")]
    ) -> Response:
        return pages.letter(request, visit, project_id, form)


class Projects:
    """Projects: listed, begun, shown with their items, changed, and their letters.

    Parameters
    ----------
    site
        Its pages and its queue.
    """

    def __init__(self, site: Site) -> None:
        self._site, self._worklist = site, site.worklist

    def listed(self, request: Request, visit: Visit) -> Response:
        """Return the page of all projects."""
        who, nothing = visit.identity, Totals(0, 0, 0, 0, 0.0)
        sums, names = self._worklist.sums_by(who, Query(Which.ALL), "project_id"), self._site.names(who.client_id)
        shown = [
            Summary(one, sums.get(one.project_id, nothing), names.get(one.made_by, one.made_by), long_day(one.made_at.date()))
            for one in self._worklist.projects(who)
        ]
        return self._site.page(request, visit, "projects.html.j2", projects=shown)

    def begin(self, request: Request, visit: Visit, form: Fields) -> Response:
        """Begin a project."""
        try:
            made, _ = self._worklist.make_project(
                visit.identity, name=form.text("name", 100), cause=form.text("cause", 500), template=preface_in(form)
            )
        except RecoupError as error:
            return self._site.message(request, visit, error.http_status, str(error), back="/projects")
        return self._site.go(f"/projects/{made.project_id}", "project")

    def show(self, request: Request, visit: Visit, project_id: str) -> Response:
        """Return the page of a project: its items, and every letter that it needs."""
        who = visit.identity
        try:
            found, totals = self._worklist.project(who, project_id)
            asked = {name: value for name, value in request.query_params.items() if name in ("sort", "after")}
            query = replace(query_of(asked), which=Which.ALL, project_id=project_id)
            page = self._worklist.page(who, query)
        except RecoupError as error:
            return self._site.message(request, visit, error.http_status, str(error))
        with gate_of(request).store.read() as unit:
            ids = [item.item_id for item in page.items]
            came, refused = stored.came_of(unit, who, ids), stored.refused_of(unit, who, ids)
        shown = listing(
            page,
            totals,
            query=query,
            counts={},
            lines=self._worklist.lines(who, page.items),
            subject=who.subject,
            names=self._site.names(who.client_id),
            now=self._site.clock(),
            today=self._site.today(),
            codes=self._site.codes(),
            came=came,
            refused=refused,
            path=f"/projects/{project_id}",
        )
        papers = self._site.papers if who.may("packet.read") else None
        states = self._worklist.sums_by(who, Query(Which.ALL, project_id=project_id), "state")
        return self._site.page(
            request,
            visit,
            "project.html.j2",
            project=found,
            by=self._site.names(who.client_id).get(found.made_by, found.made_by),
            on=long_day(found.made_at.date()),
            ended=long_day(found.ended_at.date()) if found.ended_at else "",
            list=shown,
            address={"which": Which.ALL.value, "project_id": project_id},
            states=[(STATE_WORDS[str(state)], sums) for state, sums in states.items()],
            letters=[] if papers is None else [letter_of(project_id, *one) for one in papers.parts_of(who, project_id)],
            waiting=sum(sums.items for state, sums in states.items() if state in ("open", "next_level", "drafted")),
        )

    def change(self, request: Request, visit: Visit, project_id: str, form: Fields) -> Response:
        """Change a project, end it, or begin it again."""
        ends = {"end": True, "begin": False}.get(form.text("act", 10))
        try:
            if ends is None:
                name, cause = form.text("name", 100), form.text("cause", 500)
                self._worklist.change_project(visit.identity, project_id, name=name, cause=cause, template=preface_in(form))
            else:
                self._worklist.change_project(visit.identity, project_id, is_ended=ends)
        except RecoupError as error:
            return self._site.message(request, visit, error.http_status, str(error), back=f"/projects/{project_id}")
        return self._site.go(f"/projects/{project_id}", "project_kept")

    def letter(self, request: Request, visit: Visit, project_id: str, form: Literal["docx", "pdf"]) -> Response:
        """Return one letter for all items of a project, or of a part of it."""
        asked = request.query_params
        reason = asked.get("group") or None, asked.get("carc") or None
        part = Part(asked["payer_id"], asked.get("remedy", ""), *reason) if "payer_id" in asked else None
        try:
            made = self._site.needed_papers().of_project(visit.identity, project_id, form, part=part)
            return self._site.file_of(f"project-{project_id}", form, made)
        except RecoupError as error:
            return self._site.message(request, visit, error.http_status, str(error), heading="There is no letter for these")
