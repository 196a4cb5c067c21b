"""What the service says of itself (OpenAPI): every route with its way in and every answer that it can give."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from serving.access import named_action
from serving.api.identity import Permission, policy

PROBLEM = "Problem"
BEARER = "key"

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "an error (RFC 9457); it holds nothing of what was sent",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["loc", "type"],
                "properties": {
                    "loc": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
                    "type": {"type": "string"},
                },
            },
        },
        "errors_total": {"type": "integer"},
    },
}

_OF_ALL = {"503": "more is asked for than can be answered, or the database does not answer: try again"}
_OF_CLOSED = {"401": "no identity", "403": "the role may not do this"}
_WITH_PLACE = {"404": "there is no such thing, or it is another client's"}
_WITH_BODY = {"413": "the body is too large", "422": "the body is not of this form, or breaks a rule that a form cannot say"}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description of an application."""
    described = app.openapi()
    components = described.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas[PROBLEM] = _SCHEMA
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = {BEARER: {"type": "http", "scheme": "bearer", "description": "a key of `recoup key create`"}}
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _complete(described["paths"][route.path_format][method.lower()], policy(route), has_place="{" in route.path)
    return described


def _complete(operation: dict[str, Any], found: object, *, has_place: bool) -> None:
    """Add to one operation who may call it, and the errors that every such route answers with."""
    answers = dict(_OF_ALL)
    if isinstance(found, Permission):
        action = named_action(found.action)
        operation["security"] = [{BEARER: []}]
        operation["x-action"] = action.name
        operation["x-roles"] = sorted(action.roles)
        answers |= _OF_CLOSED
    else:
        operation["security"] = []
    if has_place:
        answers |= _WITH_PLACE
    if "requestBody" in operation or operation.get("parameters"):
        answers |= _WITH_BODY
    for status, words in answers.items():
        told = operation["responses"].setdefault(status, {"description": words})
        if status == "422" or "content" not in told:
            told["content"] = {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}}}
