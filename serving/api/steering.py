"""`/v1/overview`, `/v1/settings`, `/v1/projects`, `/v1/views`: how the queue is run, for programs as for the lead's pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from fastapi import FastAPI, Path
from fastapi.responses import Response
from pydantic import BaseModel

from features.errors import UsageError
from serving.access import Identity
from serving.api.asking import described, read_body
from serving.api.bodies import Body
from serving.api.identity import require
from serving.api.once import Changing, Once, Told
from serving.api.problems import Problem
from serving.packet.preface import check_preface
from serving.store.store import Store, Unit
from serving.wire.fields import PLAIN
from serving.wire.steering import (
    OverviewTold,
    ProjectAsked,
    ProjectChangeAsked,
    ProjectsTold,
    ProjectTold,
    SettingsAsked,
    SettingsTold,
    ViewAsked,
    ViewsTold,
    ViewTold,
    WireProject,
    WireView,
)
from serving.worklist.worklist import Worklist

ProjectId: TypeAlias = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$", examples=["9f86d081884c7d65"])]
ViewName: TypeAlias = Annotated[str, Path(min_length=1, max_length=60, pattern=PLAIN, examples=["aetna-over-500"])]
_SEEN = "0f1e2d3c4b5a6978"
_MISSING: dict[int | str, dict[str, Any]] = {404: {"description": "there is no such thing, or it is another's"}}
_CHANGED: dict[int | str, dict[str, Any]] = {409: {"description": "changed meanwhile; the words say what"}}


class _Changes:
    """Makes a change in one transaction, and once under its Idempotency-Key."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, who: Identity, once: Changing, body: bytes, change: Callable[[Unit], BaseModel], status: int = 200) -> Response:
        def act(unit: Unit) -> Told:
            return Told(status, change(unit).model_dump(mode="json"))

        try:
            return once.change(self._store, who, body, act)
        except UsageError as error:
            # Of the form that is described, and still no name or no bound.
            raise Problem(422, str(error)) from None


def add_steering(app: FastAPI, store: Store, worklist: Worklist) -> None:
    """Add the routes."""
    changes = _Changes(store)
    _add_settings(app, worklist, changes)
    _add_projects(app, worklist, changes)
    _add_views(app, worklist, changes)


def _add_settings(app: FastAPI, worklist: Worklist, changes: _Changes) -> None:
    @app.get("/v1/overview", response_model=OverviewTold, summary="What the lists add up to", tags=["queue"])
    def overview(who: Annotated[Identity, require("queue.read")]) -> OverviewTold:
        """Count the items of each list, and sum what waits and what a week's hours would bring."""
        return OverviewTold.of(worklist.overview(who))

    @app.get("/v1/settings", response_model=SettingsTold, summary="Read how the queue is run", tags=["settings"])
    def settings(who: Annotated[Identity, require("queue.read")]) -> SettingsTold:
        """Read lease, capacity, sample checks and the limit of approval."""
        return SettingsTold.of(worklist.policy(who))

    example = {"version": _SEEN, "hours_per_week": 200, "approval_over": "500.00"}

    @app.patch(
        "/v1/settings",
        response_model=SettingsTold,
        summary="Change how the queue is run",
        tags=["settings"],
        responses=_CHANGED,
        openapi_extra=described(SettingsAsked, example),
    )
    def change_settings(who: Annotated[Identity, require("queue.settings")], once: Once, body: Body) -> Response:
        """Change some of the settings; what is left out stays."""
        asked = read_body(body, SettingsAsked)
        steering = worklist.steering
        return changes(
            who, once, body, lambda unit: SettingsTold.of(steering.change_policy(unit, who, asked.changed(), seen=asked.version))
        )


def _add_projects(app: FastAPI, worklist: Worklist, changes: _Changes) -> None:
    @app.get("/v1/projects", response_model=ProjectsTold, summary="List projects", tags=["projects"])
    def projects(who: Annotated[Identity, require("queue.read")]) -> ProjectsTold:
        """List the latest 200 projects, newest first."""
        return ProjectsTold(projects=[WireProject.of(project) for project in worklist.projects(who)])

    @app.get("/v1/projects/{project_id}", response_model=ProjectTold, summary="Read a project", tags=["projects"], responses=_MISSING)
    def project(who: Annotated[Identity, require("queue.read")], project_id: ProjectId) -> ProjectTold:
        """Read a project with the sums of its items; `GET /v1/queue?which=all&project_id=` lists them."""
        return ProjectTold.of(*worklist.project(who, project_id))

    begun = {"name": "Aetna bundles 99213", "cause": "an edit of theirs", "items": {"payer_id": "AETNA", "carc": "97"}}

    @app.post(
        "/v1/projects",
        status_code=201,
        response_model=ProjectTold,
        summary="Begin a project",
        tags=["projects"],
        openapi_extra=described(ProjectAsked, begun),
    )
    def begin(who: Annotated[Identity, require("queue.assign")], once: Once, body: Body) -> Response:
        """Begin a project: one cause, many claims, one template."""
        asked = read_body(body, ProjectAsked)
        query = None if asked.items is None else asked.items.query()

        def made(unit: Unit) -> ProjectTold:
            template = check_preface(asked.template)
            found, count = worklist.steering.make_project(unit, who, name=asked.name, cause=asked.cause, template=template, query=query)
            return ProjectTold.of(found, items_new=count)

        return changes(who, once, body, made, 201)

    @app.patch(
        "/v1/projects/{project_id}",
        response_model=ProjectTold,
        summary="Change or end a project",
        tags=["projects"],
        responses=_MISSING | _CHANGED,
        openapi_extra=described(ProjectChangeAsked, {"version": _SEEN, "is_ended": True}),
    )
    def change(who: Annotated[Identity, require("queue.assign")], project_id: ProjectId, once: Once, body: Body) -> Response:
        """Change the words of a project, end it, or go on with it."""
        asked = read_body(body, ProjectChangeAsked)

        def changed(unit: Unit) -> ProjectTold:
            template = None if asked.template is None else check_preface(asked.template)
            words = {"name": asked.name, "cause": asked.cause, "template": template}
            steering = worklist.steering
            return ProjectTold.of(steering.change_project(unit, who, project_id, words, is_ended=asked.is_ended, seen=asked.version))

        return changes(who, once, body, changed)


def _add_views(app: FastAPI, worklist: Worklist, changes: _Changes) -> None:
    @app.get("/v1/views", response_model=ViewsTold, summary="List saved views", tags=["views"])
    def views(who: Annotated[Identity, require("queue.read")]) -> ViewsTold:
        """List one's own saved views and those that are shared, by name."""
        return ViewsTold(views=[WireView.of(view) for view in worklist.views(who)])

    @app.put(
        "/v1/views/{name}",
        response_model=ViewTold,
        summary="Save a view",
        tags=["views"],
        responses=_MISSING | _CHANGED,
        openapi_extra=described(ViewAsked, {"query": {"payer_id": "AETNA", "sort": "due"}, "is_shared": False}),
    )
    def save(who: Annotated[Identity, require("queue.read")], name: ViewName, once: Once, body: Body) -> Response:
        """Save a filter and an order under a name of one's own."""
        asked = read_body(body, ViewAsked)

        def saved(unit: Unit) -> ViewTold:
            steering = worklist.steering
            view = steering.save_view(unit, who, name, asked.words(), is_shared=asked.is_shared, seen=asked.version or "")
            return ViewTold(view=WireView.of(view))

        return changes(who, once, body, saved)

    @app.delete("/v1/views/{name}", status_code=204, summary="Remove a saved view", tags=["views"], responses=_MISSING)
    def remove(who: Annotated[Identity, require("queue.read")], name: ViewName) -> Response:
        """Remove a view of one's own; asked again, it is not there."""
        worklist.remove_view(who, name)
        return Response(status_code=204)
