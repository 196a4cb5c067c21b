"""Projects: many claims with one cause, worked together with one template."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import Column, RowMapping, Table, Text, select

from serving.store.schema import METADATA, Moment
from serving.store.store import Unit

projects = Table(
    "projects",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("project_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("ended_at", Moment),
)
"""One row per client and project."""


@dataclass(frozen=True, slots=True)
class Project:
    """One cause, many claims.

    Parameters
    ----------
    name, cause
        What it is called, and what went wrong at the payer or the practice.
    template
        Words that each letter of the project begins with; blank for the usual ones.
    made_by, made_at, ended_at
        Who began it and when; when it was ended, None while it goes on.
    """

    client_id: str
    project_id: str
    name: str
    cause: str
    template: str
    made_by: str
    made_at: datetime
    ended_at: datetime | None = None


def keep(unit: Unit, project: Project) -> None:
    """Write a project; of one that is there, name, cause, template and end are changed."""
    unit.upsert(projects, [asdict(project)], update=["name", "cause", "template", "ended_at"])


def find(unit: Unit, client_id: str, project_id: str, *, lock: bool = False) -> Project | None:
    """Return a project, if wanted locked until the transaction ends; None if there is none."""
    statement = select(projects).where(projects.c.client_id == client_id, projects.c.project_id == project_id)
    row = unit.connection.execute(statement.with_for_update() if lock else statement).mappings().first()
    return None if row is None else _of_row(row)


def all_of(unit: Unit, client_id: str, *, most: int = 200) -> list[Project]:
    """Return a client's projects, the latest first."""
    statement = select(projects).where(projects.c.client_id == client_id).order_by(projects.c.made_at.desc(), projects.c.project_id)
    return [_of_row(row) for row in unit.connection.execute(statement.limit(most)).mappings()]


def _of_row(row: RowMapping) -> Project:
    return Project(**{field.name: row[field.name] for field in fields(Project)})
