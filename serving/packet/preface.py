"""The words that a practice writes once for a project, and with which each of its letters begins."""

from __future__ import annotations

import re
from collections.abc import Sequence

from features.errors import UsageError
from serving.packet.case import Case
from serving.packet.document import Paragraph, Section, Sentence
from serving.packet.fields import NAMES, Known
from serving.packet.proof import strange_figures

MOST_LETTERS = 2000
SOURCE = "project_words"
"""The field that these words rest on: a person wrote them, for all claims of the project alike."""

_FIELD = re.compile(r"\{([^{}]*)\}")


def check_preface(text: str) -> str:
    """Return the words of a project as they are kept.

    Raises
    ------
    UsageError
        When they are too long, or name a field in braces that does not exist.

    Examples
    --------
    >>> check_preface(" All {claims_count} claims were keyed under the old tax number. ")
    'All {claims_count} claims were keyed under the old tax number.'
    >>> check_preface("All {claim_count} claims")
    Traceback (most recent call last):
    features.errors.UsageError: the words name {claim_count}, which is no field of a letter; claims_count, total_writeoff and payer are some
    """
    kept = text.replace("\r\n", "\n").strip()
    if len(kept) > MOST_LETTERS:
        raise UsageError(f"the words of a project have at most {MOST_LETTERS} characters, not {len(kept)}")
    strange = [name for name in _FIELD.findall(kept) if name not in NAMES]
    if strange:
        raise UsageError(f"the words name {{{strange[0]}}}, which is no field of a letter; claims_count, total_writeoff and payer are some")
    if set(_FIELD.sub("", kept)) & set("{}"):
        raise UsageError("a brace of the words has no partner; fields stand in braces, like {claims_count}")
    return kept


def write_preface(text: str, known: Known, cases: Sequence[Case]) -> tuple[Section | None, tuple[str, ...]]:
    """Return the section with which a letter begins, and what must be done about it before the letter goes out.

    A paragraph that names something unknown, or not the same for all claims, is left out and told. An amount or a day that none of the
    claims has stays, because a person wrote it, and is told as well.
    """
    blocks, missing = [], []
    for paragraph in (part.strip() for part in text.split("\n\n")):
        names = tuple(dict.fromkeys(_FIELD.findall(paragraph)))
        lacking = [name for name in names if name not in known]
        if lacking:
            missing.append(f"a paragraph of the project's words is left out: these claims have no common {lacking[0].replace('_', ' ')}")
        elif paragraph:
            filled = _FIELD.sub(lambda found: known[found[1]], paragraph)
            blocks.append(Paragraph((Sentence(" ".join(filled.split()), (SOURCE, *names)),)))
            missing += [f"the project's words say {figure}, which none of the claims has" for figure in strange_figures(filled, cases)]
    return (Section("words", "", tuple(blocks)) if blocks else None), tuple(missing)
