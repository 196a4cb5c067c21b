"""Pages of projects: one cause, many claims, one letter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from fastapi import FastAPI, Path, Request
from fastapi.responses import Response

from features.errors import RecoupError
from serving.identity.visits import Visit
from serving.store.projects import Project
from serving.web.lists import listing, query_of
from serving.web.site import Site
from serving.web.visitors import Form, visitor
from serving.web.words import STATE_WORDS, long_day
from serving.worklist.listing import Query, Totals, Which

ProjectId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


@dataclass(frozen=True, slots=True)
class Summary:
    """A project in a list of projects."""

    project: Project
    totals: Totals
    by: str
    on: str


def add_projects(app: FastAPI, site: Site) -> None:
    """Add the pages of projects."""
    worklist = site.worklist

    @app.get("/projects", include_in_schema=False)
    def projects(request: Request, visit: Annotated[Visit, visitor("queue.read")]) -> Response:
        who, nothing = visit.identity, Totals(0, 0, 0, 0, 0.0)
        sums, names = worklist.sums_by(who, Query(Which.ALL), "project_id"), site.names(who.client_id)
        shown = [
            Summary(one, sums.get(one.project_id, nothing), names.get(one.made_by, one.made_by), long_day(one.made_at.date()))
            for one in worklist.projects(who)
        ]
        return site.page(request, visit, "projects.html.j2", projects=shown)

    @app.post("/projects", include_in_schema=False)
    def begin(request: Request, visit: Annotated[Visit, visitor("queue.assign")], form: Form) -> Response:
        try:
            made, _ = worklist.make_project(
                visit.identity, name=form.text("name", 100), cause=form.text("cause", 500), template=form.text("template", 2000)
            )
        except RecoupError as error:
            return site.message(request, visit, error.http_status, str(error))
        return site.go(f"/projects/{made.project_id}", "project")

    @app.get("/projects/{project_id}", include_in_schema=False)
    def project(request: Request, project_id: ProjectId, visit: Annotated[Visit, visitor("queue.read")]) -> Response:
        who = visit.identity
        try:
            found, totals = worklist.project(who, project_id)
            asked = {name: value for name, value in request.query_params.items() if name in ("sort", "after")}
            query = replace(query_of(asked), which=Which.ALL, project_id=project_id)
            page = worklist.page(who, query)
        except RecoupError as error:
            return site.message(request, visit, error.http_status, str(error))
        shown = listing(
            page,
            totals,
            query=query,
            counts={},
            lines=worklist.lines(who, page.items),
            subject=who.subject,
            names=site.names(who.client_id),
            now=site.clock(),
            today=site.today(),
            codes=site.codes(),
            path=f"/projects/{project_id}",
        )
        states = worklist.sums_by(who, Query(Which.ALL, project_id=project_id), "state")
        return site.page(
            request,
            visit,
            "project.html.j2",
            project=found,
            by=site.names(who.client_id).get(found.made_by, found.made_by),
            on=long_day(found.made_at.date()),
            ended=long_day(found.ended_at.date()) if found.ended_at else "",
            list=shown,
            address={"which": Which.ALL.value, "project_id": project_id},
            states=[(STATE_WORDS[str(state)], sums) for state, sums in states.items()],
            waiting=sum(sums.items for state, sums in states.items() if state in ("open", "next_level", "drafted")),
        )

    @app.post("/projects/{project_id}", include_in_schema=False)
    def change(request: Request, project_id: ProjectId, visit: Annotated[Visit, visitor("queue.assign")], form: Form) -> Response:
        ends = {"end": True, "begin": False}.get(form.text("act", 10))
        try:
            if ends is None:
                name, cause, template = form.text("name", 100), form.text("cause", 500), form.text("template", 2000)
                worklist.change_project(visit.identity, project_id, name=name, cause=cause, template=template)
            else:
                worklist.change_project(visit.identity, project_id, is_ended=ends)
        except RecoupError as error:
            return site.message(request, visit, error.http_status, str(error))
        return site.go(f"/projects/{project_id}", "project_kept")

    @app.get("/projects/{project_id}/letter.{form}", include_in_schema=False)
    def letter(
        request: Request, project_id: ProjectId, form: Literal["docx", "pdf"], visit: Annotated[Visit, visitor("packet.read")]
    ) -> Response:
        try:
            return site.file_of(f"project-{project_id}", form, site.needed_papers().of_project(visit.identity, project_id, form))
        except RecoupError as error:
            return site.message(request, visit, error.http_status, str(error), heading="There is no letter for these")
