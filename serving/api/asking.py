"""Request bodies as models: read strictly, described in OpenAPI with an example, and never repeated in an error."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from serving.api.bodies import strict_json
from serving.api.problems import Place, Problem

Model = TypeVar("Model", bound=BaseModel)


def read_body(body: bytes, model: type[Model]) -> Model:
    """Read a body as a model.

    Raises
    ------
    Problem
        With status 422 and the places that are wrong.

    Examples
    --------
    >>> from serving.wire.items import ReleaseAsked
    >>> read_body(b'{"version": 3}', ReleaseAsked).version
    3
    """
    try:
        return model.model_validate(strict_json(body or b"{}"))
    except ValidationError as error:
        raise Problem(422, "the body is not of the form that the API describes", errors=_places(error)) from None


def described(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """Return what OpenAPI says of a route's body, which is read by hand so that an error never repeats it."""
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


def _places(error: ValidationError) -> list[tuple[Place, str]]:
    return [(tuple(item["loc"]), item["type"]) for item in error.errors(include_url=False, include_input=False, include_context=False)]
