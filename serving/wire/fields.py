"""What a field of a request may hold, and what every request and answer has in common."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from features.errors import BadData
from features.money import parse_cents
from serving.wire.numeral import Numeral
from serving.worklist.acts import SKIP_REASONS

LONGEST_ID, LONGEST_WORDS, LONGEST_TEXT = 200, 200, 4_000
PLAIN = r"^[^\x00-\x1f\x7f]+$"
LINES = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"


def _day(value: object) -> date:
    if isinstance(value, str) and len(value) == 10:
        return date.fromisoformat(value)
    raise ValueError("a day like 2026-11-01")


def _cents(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("dollars with at most two decimals")
    try:
        return parse_cents(str(value))
    except BadData as error:
        raise ValueError(str(error)) from None


def number(value: object) -> float:
    """Return a number; whatever else was sent is refused."""
    if isinstance(value, bool) or not isinstance(value, Numeral | int | float):
        raise ValueError("a number")
    return float(value)


def _words(value: object) -> object:
    if isinstance(value, Numeral):
        raise ValueError("a text")
    return value


def _reason(value: str) -> str:
    if value not in SKIP_REASONS:
        raise ValueError("one of the reasons")
    return value


_MONEY_SCHEMA = {"anyOf": [{"type": "number"}, {"type": "string"}], "description": "dollars with at most two decimals"}

String = Annotated[str, BeforeValidator(_words)]
Id = Annotated[String, StringConstraints(min_length=1, max_length=LONGEST_ID, pattern=PLAIN)]
Words = Annotated[String, StringConstraints(min_length=1, max_length=LONGEST_WORDS, pattern=PLAIN)]
Text = Annotated[String, StringConstraints(max_length=LONGEST_TEXT, pattern=LINES)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Cents = Annotated[int, BeforeValidator(_cents), Field(ge=0, le=10**13), WithJsonSchema(_MONEY_SCHEMA)]
Hours = Annotated[float, BeforeValidator(number), Field(ge=0, le=1000), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1000})]
Version = Annotated[int, Field(ge=0, le=2**53, description="the version of the item that was seen; another one is 409")]
Reason = Annotated[String, AfterValidator(_reason), WithJsonSchema({"type": "string", "enum": list(SKIP_REASONS)})]


class Asked(BaseModel):
    """Something that is asked for; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Told(BaseModel):
    """Something that is answered."""

    model_config = ConfigDict(extra="ignore")
