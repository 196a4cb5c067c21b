"""Errors as problem+json (RFC 9457): where and what kind, never what was sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import TypeAlias

from fastapi import Request
from fastapi.responses import JSONResponse

MOST_ERRORS = 50
_COLUMN_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

Place: TypeAlias = Sequence[str | int]


class Problem(Exception):
    """An answer that is an error.

    Parameters
    ----------
    status
        HTTP status.
    detail
        A sentence of our own; it holds nothing of the request.
    errors
        Where in the request, and by which rule.
    headers
        More response headers.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Iterable[tuple[Place, str]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers
        self.errors = list(errors)


def problem_response(problem: Problem) -> JSONResponse:
    """Return the answer of a problem, with at most 50 places."""
    content: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        content["errors"] = [{"loc": [safe_name(part) for part in place], "type": rule} for place, rule in problem.errors[:MOST_ERRORS]]
        content["errors_total"] = len(problem.errors)
    return JSONResponse(content, problem.status, problem.headers, media_type="application/problem+json")


def safe_name(part: str | int) -> str | int:
    """Return a part of a place if it can be a column's name; what was sent as a key may be a patient's name.

    >>> safe_name("writeoff_amount"), safe_name(3), safe_name("Doe, Jane")
    ('writeoff_amount', 3, '(not a column name)')
    """
    if isinstance(part, int) or _COLUMN_NAME.fullmatch(part):
        return part
    return "(not a column name)"


def answer_problem(request: Request, error: Exception) -> JSONResponse:
    """Exception handler of `Problem`."""
    assert isinstance(error, Problem)
    return problem_response(error)
