"""The rules that triage, deadlines and guards follow: each with an id, a sentence and a citation."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

TOPICS = ("category", "remedy", "cap", "deadline", "guard")
"""What a rule is about, in the order of the page."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; a citation marked `memory` was not looked up, one of `DOMAIN` is a decision of ours.

    Parameters
    ----------
    rule
        Its id, `topic.what`; `guard` rules carry the name of what they guard.
    topic
        One of `TOPICS`.
    sentence, citation
        The rule in our own words, and whence it is.
    """

    rule: str
    topic: str
    sentence: str
    citation: str


@cache
def rules() -> Mapping[str, Rule]:
    """Return every rule by its id, in the order of the table.

    Examples
    --------
    >>> rules()["patient.qmb"].citation
    '42 USC 1396a(n)(3)'
    """
    with files("features.codes").joinpath("rule.csv").open("r", encoding="utf-8") as file:
        return {row["rule"]: Rule(**row) for row in csv.DictReader(file)}
