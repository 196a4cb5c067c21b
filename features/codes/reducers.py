"""Words as far as triage tells them apart, so that a large table has few distinct combinations."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from features.codes.adjustment import split_group, spoken
from features.codes.tables import Codes, Rarc

_STATUSES = frozenset({"4", "19", "20", "21", "22", "25"})
_TRACKS = frozenset({"wait", "secondary", "recoupment", "overpaid", "unprocessable", "no_resubmission"})


def reducers(codes: Codes) -> Mapping[str, Callable[[str], str | None]]:
    """Return for each column a function to the simplest word of the same meaning.

    Examples
    --------
    >>> by = reducers(Codes.load())
    >>> by["claim_status"]("1"), by["rarcs"]("MA67 M127 ZZZ"), by["adjustment_code"]("SMALLBALANCE 7")
    (None, 'M127', 'small balance')
    """

    def rarcs(text: str) -> str | None:
        telling = [word for word in dict.fromkeys(text.upper().split()) if word in codes.rarcs and _tells(codes.rarcs[word])]
        return " ".join(telling) or None

    def adjustment_code(text: str) -> str | None:
        group, _ = split_group(None, text, codes, must_have_group=True)
        phrase = spoken(text, codes)
        return text if group else phrase.phrase.lstrip("=") if phrase else None

    return {
        "rarcs": rarcs,
        "adjustment_code": adjustment_code,
        "claim_status": lambda text: text if text in _STATUSES else None,
        "filing_indicator": lambda text: text if text in ("MA", "MB") else None,
        "posting_kind": lambda text: None if text == "writeoff" else text,
        "account_status": lambda text: text if text in ("bankruptcy", "legal", "agency", "deceased") else None,
    }


def _tells(rarc: Rarc) -> bool:
    """Return whether a remark changes anything that triage says."""
    is_telling = rarc.family or rarc.remedy or rarc.guard or rarc.clock_days or rarc.effect
    return bool(is_telling) or rarc.appeal is not None or rarc.track in _TRACKS or rarc.code in ("N522", "N517", "N142", "N798", "N368")
