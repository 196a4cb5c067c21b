"""What is asked of `POST /v1/scores` and what is answered; no word of HTTP but the problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.errors import BadData
from features.intake.cells import latest_day
from features.intake.records import read_apart, read_records
from features.intake.rejects import Reject
from features.intake.table_read import TableRead
from features.tables import WRITEOFFS
from serving.api.bodies import strict_json
from serving.api.problems import Place, Problem, safe_name
from serving.champion import BatchScorer, Loaded

MOST_ROWS = 10_000
MOST_NAMED = 10
EPOCH = date(1970, 1, 1)

Cell: TypeAlias = str | int | bool | None
Row: TypeAlias = dict[str, Cell]


class ScoresRequest(BaseModel):
    """Write-offs to score; columns as in the data dictionary, money as a number or text with at most two decimals."""

    model_config = ConfigDict(extra="forbid", strict=True)

    writeoffs: Annotated[list[Row], Field(max_length=MOST_ROWS)]
    as_of: Annotated[str | None, Field(description="the morning of this day, YYYY-MM-DD; today where it is missing")] = None
    reasons: Annotated[bool, Field(description="whether to say why")] = True


@dataclass(frozen=True, slots=True)
class Question:
    """A request that was read.

    Parameters
    ----------
    rows
        The write-offs, as sent.
    as_of, latest
        The morning they are scored on, and the last day that is a date (days since 1970-01-01).
    reasons
        Whether to say why.
    """

    rows: Sequence[Mapping[str, Cell]]
    as_of: int
    latest: int
    reasons: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """Scores in the order of the request, and what was noticed on the way."""

    scores: list[dict[str, Any]]
    issues: list[str]


def read_question(body: bytes, *, today: date) -> Question:
    """Read a request body.

    Raises
    ------
    Problem
        With status 422 and the places that are wrong.
    """
    try:
        asked = ScoresRequest.model_validate(strict_json(body))
    except ValidationError as error:
        raise Problem(422, "the body is not of the form that the API describes", errors=_places(error)) from None
    return Question(asked.writeoffs, (_as_of(asked.as_of, today) - EPOCH).days, latest_day(today), asked.reasons)


def is_past(question: Question, today: date) -> bool:
    """Tell whether a question is about the morning of a day before today: then less is known than now."""
    return question.as_of < (today - EPOCH).days


def answer(question: Question, loaded: Loaded[BatchScorer]) -> Answer:
    """Score the rows of a question, in its order.

    Raises
    ------
    Problem
        With status 422 when the day lies before the model's data, or a row cannot be read.
    """
    _check_day(question.as_of, loaded)
    scorer = loaded.scorer
    try:
        read = read_records(question.rows, WRITEOFFS, vocabulary=scorer.vocabulary.overlay(), latest=question.latest)
    except BadData:
        raise Problem(422, "some write-offs cannot be read", errors=[(["writeoffs"], "column_twice")]) from None
    _check_rows(read)
    scored = scorer.score(read.batch, as_of=question.as_of, reasons=None if question.reasons else 0).records() if len(read.batch) else []
    return Answer(scored, [*unknown_fields(question.rows), *_remarks(read)])


def answer_apart(questions: Sequence[Question], loaded: Loaded[BatchScorer]) -> list[Answer | Problem]:
    """Answer questions of one row each on one day at once, each as `answer` would; a row that cannot be read is its own problem.

    Raises
    ------
    Problem, BadData
        When the day lies before the model's data, or a row gives a column twice.
    """
    first, scorer = questions[0], loaded.scorer
    _check_day(first.as_of, loaded)
    rows = [question.rows[0] for question in questions]
    batch, lone = read_apart(rows, WRITEOFFS, vocabulary=scorer.vocabulary.overlay(), latest=first.latest)
    scored = scorer.score(batch, as_of=first.as_of, reasons=None if first.reasons else 0, apart=True).records() if len(batch) else []
    answers: list[Answer | Problem] = []
    for question, one in zip(questions, lone, strict=True):
        try:
            _check_rows(one.read)
            found = [scored[one.place]] if one.place >= 0 else []
            answers.append(Answer(found, [*unknown_fields(question.rows), *_remarks(one.read)]))
        except Problem as problem:
            answers.append(problem)
    return answers


def _check_day(as_of: int, loaded: Loaded[BatchScorer]) -> None:
    cut = loaded.scorer.cut
    if cut is not None and as_of < cut:
        known = day(cut).isoformat()
        raise Problem(
            422, f"as_of is before {known}, the day up to which the model knows outcomes", errors=[(["as_of"], "before_data_cut")]
        )


def _check_rows(read: TableRead) -> None:
    if read.rejects:
        raise Problem(422, "some write-offs cannot be read", errors=_rejects(read.rejects))


def unknown_fields(rows: Iterable[Mapping[str, Cell]]) -> list[str]:
    """Name the fields that no column has, once each; `x_` fields are the user's own.

    >>> unknown_fields([{"payer_id": "P", "payor": "P", "x_team": "a"}, {"payor": None}])
    ['field payor is unknown and was ignored']
    """
    names = {name for row in rows for name in row if name not in _KNOWN and not name.startswith("x_")}
    shown = sorted({str(safe_name(name)) for name in names})
    issues = [f"field {name} is unknown and was ignored" for name in shown[:MOST_NAMED]]
    return issues if len(shown) <= MOST_NAMED else [*issues, f"{len(shown) - MOST_NAMED} more fields are unknown and were ignored"]


def _remarks(read: TableRead) -> list[str]:
    """What was noticed and kept: kind, column and count, without the values that a remark on a file names."""
    remarks = [f"{issue.column}: {issue.code}, {issue.count} rows" for issue in read.issues if issue.code != "unknown_column"]
    return [*remarks, f"{read.zero_amounts} write-offs of zero dollars were left out"] if read.zero_amounts else remarks


_KNOWN = frozenset(WRITEOFFS.names)


def _as_of(text: str | None, today: date) -> date:
    if text is None:
        return today
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise Problem(422, "as_of is a day like 2026-11-01", errors=[(["as_of"], "not_a_date")]) from None


def _places(error: ValidationError) -> list[tuple[Place, str]]:
    """Where and what kind; a value of a row of the wrong type is one place, not one for each type it might have had."""
    places = [(tuple(item["loc"]), item["type"]) for item in error.errors(include_url=False, include_input=False, include_context=False)]
    short: dict[tuple[str | int, ...], str] = {}
    for place, kind in places:
        in_row = len(place) > 3 and place[0] == "writeoffs"
        short.setdefault(place[:3] if in_row else place, "not_a_text" if in_row else kind)
    return list(short.items())


def _rejects(rejects: Iterable[Reject]) -> list[tuple[Place, str]]:
    """The rows that were refused; `Reject` counts rows from 1, a request's list from 0."""
    return [(["writeoffs", reject.row - 1, reject.column or "*"], reject.rule.value) for reject in rejects]


def day(days: int) -> date:
    """Return the date of a count of days since 1970-01-01."""
    return EPOCH + timedelta(days=days)
