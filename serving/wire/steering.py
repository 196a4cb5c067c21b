"""How a queue is run: notes, projects, saved views, settings and what the lists add up to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from features.money import format_cents
from serving.store.projects import Project
from serving.store.views import View
from serving.wire.fields import LINES, PLAIN, Asked, Cents, String, Told, Version, Words, number
from serving.wire.items import Filter, WireTotals
from serving.worklist.listing import Totals
from serving.worklist.policy import BOUNDS, Policy
from serving.worklist.seen import version_of
from serving.worklist.worklist import Overview

Seen = Annotated[String, StringConstraints(pattern=r"^[0-9a-f]{16}$"), Field(description="the version that was seen; another one is 409")]
Name = Annotated[String, StringConstraints(min_length=1, max_length=100, pattern=PLAIN)]
Cause = Annotated[String, StringConstraints(max_length=500, pattern=LINES)]
Template = Annotated[String, StringConstraints(max_length=2_000, pattern=LINES)]
Note = Annotated[String, StringConstraints(min_length=1, max_length=4_000, pattern=LINES)]


class NoteAsked(Asked):
    """A line for an item's story; it changes nothing else, so it asks for no version."""

    text: Note
    is_call: Annotated[bool, Field(description="whether it is what was said in a call")] = False


# ---- projects --------------------------------------------------------------------------------------------------------


class ProjectAsked(Asked):
    """Begin a project; with `items`, up to 500 items of that list which are in no project go into it, in its order."""

    name: Name
    cause: Cause = ""
    template: Annotated[Template, Field(description="words that each letter of the project begins with")] = ""
    items: Filter | None = None


class ProjectChangeAsked(Asked):
    """Change the words of a project, or end it; what is left out stays."""

    version: Seen
    name: Name | None = None
    cause: Cause | None = None
    template: Template | None = None
    is_ended: bool | None = None


class PlaceAsked(Asked):
    """Put an item into a project, or with null out of the one that it is in."""

    version: Version
    project_id: Words | None


class WireProject(Told):
    """One cause, many claims, one template."""

    project_id: str
    version: str
    name: str
    cause: str
    template: str
    made_by: str
    made_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, project: Project) -> Self:
        """Return a project as it is told."""
        told = {name: getattr(project, name) for name in cls.model_fields if name != "version"}
        return cls(**told, version=version_of(project))


class ProjectTold(Told):
    """A project; sums of its items where they were asked for, and how many items went in where it was begun."""

    project: WireProject
    totals: WireTotals | None = None
    items_new: int | None = None

    @classmethod
    def of(cls, project: Project, totals: Totals | None = None, items_new: int | None = None) -> Self:
        """Return a project as it is told."""
        return cls(project=WireProject.of(project), totals=None if totals is None else WireTotals.of(totals), items_new=items_new)


class ProjectsTold(Told):
    """The latest 200 projects, newest first."""

    projects: list[WireProject]


# ---- saved views -----------------------------------------------------------------------------------------------------


class ViewAsked(Asked):
    """Filter and order to save under a name; `version` is the one that was seen of a view that is there, null for one that is not."""

    query: Filter
    is_shared: Annotated[bool, Field(description="whether everybody sees it; only who runs the queue shares")] = False
    version: Seen | None = None

    def words(self) -> dict[str, str]:
        """Return what of the filter is not as usual, as it is stored."""
        told = self.query.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        if "least_expected" in told:
            told["least_expected"] = format_cents(told["least_expected"])
        return {name: str(value) for name, value in told.items()}


class WireView(Told):
    """Filter and order under a name; `query` holds what of it is not as usual, as words of `GET /v1/queue`."""

    name: str
    version: str
    owner: str
    query: dict[str, str]
    is_shared: bool
    saved_at: datetime

    @classmethod
    def of(cls, view: View) -> Self:
        """Return a view as it is told."""
        told = {name: getattr(view, name) for name in cls.model_fields if name not in ("version", "query")}
        return cls(**told, query=dict(view.query), version=version_of(view))


class ViewTold(Told):
    """A saved view."""

    view: WireView


class ViewsTold(Told):
    """One's own saved views and shared ones, by name."""

    views: list[WireView]


# ---- settings and sums -----------------------------------------------------------------------------------------------


def _schema(name: str, kind: str) -> WithJsonSchema:
    least, most, words = BOUNDS[name]
    return WithJsonSchema({"type": kind, "minimum": least, "maximum": most, "description": words})


def _bounds(name: str) -> Any:
    least, most, _ = BOUNDS[name]
    return Field(ge=least, le=most)


Minutes = Annotated[int, _bounds("lease_minutes"), _schema("lease_minutes", "integer")]
Days = Annotated[int, _bounds("pin_days"), _schema("pin_days", "integer")]
Share = Annotated[float, BeforeValidator(number), _bounds("sample_share"), _schema("sample_share", "number")]
Turn = Annotated[float, BeforeValidator(number), _bounds("sample_turn"), _schema("sample_turn", "number")]
Capacity = Annotated[float, BeforeValidator(number), _bounds("hours_per_week"), _schema("hours_per_week", "number")]


class SettingsAsked(Asked):
    """Change settings of the queue; what is left out stays."""

    version: Seen
    lease_minutes: Minutes | None = None
    pin_days: Days | None = None
    sample_share: Share | None = None
    sample_turn: Turn | None = None
    hours_per_week: Capacity | None = None
    approval_over: Annotated[Cents | None, Field(description="dollars of a reversal above which a second person approves")] = None

    def changed(self) -> dict[str, Any]:
        """Return what is to be changed."""
        return self.model_dump(exclude={"version"}, exclude_none=True)


class SettingsTold(Told):
    """The settings of the queue; `approval_over` in dollars."""

    version: str
    lease_minutes: int
    pin_days: int
    sample_share: float
    sample_turn: float
    hours_per_week: float
    approval_over: float

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Return settings as they are told."""
        told = {name: getattr(policy, name) for name in BOUNDS if name != "approval_over"}
        return cls(**told, approval_over=policy.approval_over / 100, version=version_of(policy))


class OverviewTold(Told):
    """Items of each list; sums of what waits, and of the best of it that a week's hours are enough for, in dollars.

    `stop_below` is the net of an hour that the last item within these hours brings; null where they are enough for all.
    """

    as_of: date | None
    model_version: str | None
    lists: dict[str, int]
    ready: WireTotals
    week: WireTotals
    hours_per_week: float
    stop_below: float | None

    @classmethod
    def of(cls, found: Overview) -> Self:
        """Return an overview as it is told."""
        return cls(
            as_of=found.as_of,
            model_version=found.model_version,
            lists={which.value: count for which, count in found.counts.items()},
            ready=WireTotals.of(found.ready),
            week=WireTotals.of(found.week.all),
            hours_per_week=found.policy.hours_per_week,
            stop_below=None if found.week.stop_below is None else found.week.stop_below / 100,
        )
