"""Gates: what must hold before a model may replace another, as a table that `recoup.toml` may change under `[gates]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from features.errors import Misconfigured


class Side(StrEnum):
    """On which side of its limit a measured value must lie."""

    ABOVE = "more than"
    LEAST = "at least"
    MOST = "at most"


class Of(StrEnum):
    """What a gate looks at: the data, before anything is fitted, or the challenger."""

    DATA = "data"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate.

    Parameters
    ----------
    name
        Its key under `[gates]`.
    of, side, limit
        What it looks at, and what must hold by default.
    meaning
        What is measured, for people.
    """

    name: str
    of: Of
    side: Side
    limit: float
    meaning: str


GATES: tuple[Gate, ...] = (
    Gate("newest_posting_days", Of.DATA, Side.MOST, 45, "days since the newest write-off was posted"),
    Gate("newest_effort_days", Of.DATA, Side.MOST, 45, "days since the newest effort was begun"),
    Gate("newest_result_days", Of.DATA, Side.MOST, 45, "days since the newest result became known"),
    Gate("learned_efforts", Of.DATA, Side.LEAST, 300, "decided efforts before the window, to learn from"),
    Gate("judged_efforts", Of.DATA, Side.LEAST, 150, "decided efforts in the window, to judge on"),
    Gate("judged_recoveries", Of.DATA, Side.LEAST, 30, "of them recovered"),
    Gate("unmatched_share", Of.DATA, Side.MOST, 0.05, "share of efforts on write-offs that are not in the ledger"),
    Gate("repeated_share", Of.DATA, Side.MOST, 0.01, "share of efforts that are told more than once"),
    Gate(
        "new_code_share", Of.DATA, Side.MOST, 0.25, "share of the last 90 days' write-offs whose payer or CARC came up for the first time"
    ),
    Gate("instant_share", Of.DATA, Side.MOST, 0.3, "share of results known on the day the work began or before: dates set back"),
    Gate("delay_change", Of.DATA, Side.MOST, 0.5, "change of the median days to a result against the champion's data, as a share of it"),
    Gate("recovered_change", Of.DATA, Side.MOST, 0.2, "change of the share of decided efforts that recovered, against the champion's data"),
    Gate(
        "dollars_change", Of.DATA, Side.MOST, 1.0, "change of the mean dollars of a recovery against the champion's data, as a share of it"
    ),
    Gate("over_cap_share", Of.DATA, Side.MOST, 0.2, "share of recoveries that brought more than was written off"),
    Gate(
        "missing_share",
        Of.DATA,
        Side.MOST,
        0.02,
        "share of the champion's write-offs and efforts, in the span of these files, that are gone",
    ),
    Gate("revised_share", Of.DATA, Side.MOST, 0.03, "share of the results that the champion learned from which now say otherwise"),
    Gate(
        "expert_auc",
        Of.DATA,
        Side.LEAST,
        0.5,
        "how well the expert's rates of codes rank the results; below one half the labels run backwards",
    ),
    Gate("telltale_auc", Of.DATA, Side.MOST, 0.9, "how well a single column of the user's (x_) tells the results"),
    Gate(
        "telltale_shift",
        Of.DATA,
        Side.MOST,
        0.3,
        "how differently an x_ column is filled where results are known: it was filled afterwards",
    ),
    Gate("gain_low", Of.MODEL, Side.ABOVE, 0.0, "dollars over the champion at capacity: lower end of the 90 % interval"),
    Gate("gain_share", Of.MODEL, Side.LEAST, 0.01, "dollars over the champion at capacity, as a share of the champion's"),
    Gate("static_gain", Of.MODEL, Side.ABOVE, 0.0, "dollars over the static rule at capacity"),
    Gate("auc_least", Of.MODEL, Side.LEAST, 0.6, "how well the chances rank the results"),
    Gate("auc_most", Of.MODEL, Side.MOST, 0.95, "the same: a payer's mind is not known better than this, so something tells the result"),
    Gate("auc_jump", Of.MODEL, Side.MOST, 0.1, "rise of it over the champion's: more than a model can learn in a month"),
    Gate("chance_ratio_least", Of.MODEL, Side.LEAST, 0.6, "predicted over seen recoveries; people choose what is better than it looks"),
    Gate("chance_ratio_most", Of.MODEL, Side.MOST, 1.4, "predicted over seen recoveries"),
    Gate("calibration_error", Of.MODEL, Side.MOST, 0.15, "mean distance of predicted and seen chances over ten bins"),
    Gate("worst_subgroup", Of.MODEL, Side.MOST, 3.5, "largest z of a rise of squared error in a kind of payer, facility or kind of claim"),
    Gate("shift_of_scores", Of.MODEL, Side.MOST, 0.5, "population stability index of the final model's chances against the judged one's"),
    Gate("rank_agreement", Of.MODEL, Side.LEAST, 0.7, "rank correlation of the final model's expected dollars with the judged one's"),
)
"""Every gate. A model is judged as it was on the window's first morning; the last two tie the final model to the judged one."""

CAPACITY = "capacity"
DEFAULT_CAPACITY = 0.2
"""Share of the window's hours at which dollars are compared. Judged rows are those that people had chosen already: a fifth of them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A gate with what was measured; None: it could not be measured, which holds only where there was nothing to compare with.

    Parameters
    ----------
    gate, limit
        The gate, and the limit in force.
    value
        What was measured.
    held
        Whether it holds.
    note
        Why nothing was measured, or what it was measured on.
    """

    gate: Gate
    limit: float
    value: float | None
    held: bool
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON can hold it."""
        told = {"name": self.gate.name, "of": self.gate.of.value, "meaning": self.gate.meaning, "side": self.gate.side.value}
        return {**told, "limit": self.limit, "value": self.value, "held": self.held, "note": self.note}

    def sentence(self) -> str:
        """Say it in words.

        >>> gate = GATES[0]
        >>> Verdict(gate, 45, 60.0, False).sentence()
        'newest_posting_days is 60; it must be at most 45: days since the newest write-off was posted'
        """
        value = "not known" if self.value is None else _plain(self.value)
        return f"{self.gate.name} is {value}; it must be {self.gate.side} {_plain(self.limit)}: {self.gate.meaning}"


@dataclass(frozen=True, slots=True)
class Measure:
    """What was measured for a gate; `absent` says why there was nothing to measure, and then the gate holds."""

    value: float | None
    note: str = ""
    absent: bool = False


def limits(changes: Mapping[str, object]) -> dict[str, float]:
    """Return every gate's limit, and the capacity, with what `[gates]` changes.

    Raises
    ------
    Misconfigured
        When a name is no gate, or a limit no number.

    Examples
    --------
    >>> limits({"gain_share": 0.05})["gain_share"]
    0.05
    >>> limits({"gain": 1})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    features.errors.Misconfigured: [gates] gain is not a gate; gates are capacity, newest_posting_days, ...
    """
    found = {CAPACITY: DEFAULT_CAPACITY, **{gate.name: float(gate.limit) for gate in GATES}}
    for name, value in changes.items():
        if name not in found:
            raise Misconfigured(f"[gates] {name} is not a gate; gates are {', '.join(found)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise Misconfigured(f"[gates] {name} must be a number")
        found[name] = float(value)
    if not 0 < found[CAPACITY] <= 1:
        raise Misconfigured(f"[gates] {CAPACITY} must be above 0 and at most 1")
    return found


def parse_limits(text: str | None) -> dict[str, object]:
    """Read limits as the setting holds them.

    >>> parse_limits("gain_share=0.02, auc_least=0.65")
    {'gain_share': 0.02, 'auc_least': 0.65}
    """
    pairs = [part.partition("=") for part in (text or "").split(",") if part.strip()]
    return {name.strip(): float(limit) for name, _, limit in pairs}


def judge(measured: Mapping[str, Measure], given: Mapping[str, float], of: Of) -> list[Verdict]:
    """Hold what was measured against the limits: one verdict for each gate of a kind, in order; what was not measured fails.

    >>> [v.held for v in judge({"gain_low": Measure(0.0)}, limits({}), Of.MODEL)][:2]
    [False, False]
    """
    found = []
    for gate in GATES:
        if gate.of is of:
            told = measured.get(gate.name, Measure(None, "not measured"))
            held = told.absent if told.value is None else _holds(told.value, gate.side, given[gate.name])
            found.append(Verdict(gate, given[gate.name], told.value, held, told.note))
    return found


def _plain(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:.4g}"


def _holds(value: float, side: Side, limit: float) -> bool:
    if side is Side.ABOVE:
        return value > limit
    return value >= limit if side is Side.LEAST else value <= limit
