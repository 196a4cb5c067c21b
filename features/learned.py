"""What decayed sums of earlier efforts say: rates and means per key, drawn to the parent key, as columns and features."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from features.feature import Feature, Floats, copied
from features.history import FRACTION_ONE, KEYS, STATS
from features.rowwise import least, most
from features.tables import Columns

LEARNED = ("recovery_rate", "fraction", "days", "dollars")
"""What `shrink` makes of the sums, in the order of its last axis."""

TOP = (0.3, 0.7, 60.0, 200.0)
"""What is said where nothing was seen yet."""
_LOW = (0.005, 0.05, 1.0, 1.0)
_HIGH = (0.995, 1.0, 3650.0, 1e9)
_UNIT = (1.0, 1.0 / FRACTION_ONE, 1.0, 0.01)
_PSEUDO_EFFORTS = 8.0
_EFFORTS, _RECOVERIES = STATS.index("efforts"), STATS.index("recoveries")
_PLACE = {names: place for place, names in enumerate(KEYS)}

_ALL: tuple[str, ...] = ()
_PARENTS: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    ("carc",): (("family",), _ALL, _ALL),
    ("payer_id", "family"): (("payer_id",), ("family",), _ALL),
    ("payer_id", "adjustment_code"): (("payer_id",), ("adjustment_code",), _ALL),
    ("payer_id", "procedure_code"): (("payer_id",), ("procedure_code",), _ALL),
    ("payer_id", "remedy"): (("payer_id",), _ALL, _ALL),
    ("payer_id", "carc"): (("payer_id", "family"), ("carc",), ("family",)),
}
"""What a key's parent is made of, plus + plus - minus; everything where nothing is said. A pair's is the sum of its two effects."""


def _made_of(names: tuple[str, ...]) -> tuple[int, int, int]:
    plus, also, minus = _PARENTS.get(names, (_ALL, _ALL, _ALL))
    return _PLACE[plus], _PLACE[also], _PLACE[minus]


CHAIN = tuple(_made_of(names) for names in KEYS)
"""For each of `KEYS` the places of the three that its parent is made of."""


def weighed_by(what: int) -> int:
    """Return the place in `STATS` of what one of `LEARNED` is per: the recovery rate per effort, the others per recovery."""
    return _RECOVERIES if what else _EFFORTS


def drawn(weight: Floats, total: Floats, parent: Floats | float, what: int) -> Floats:
    """Return what decayed sums say, drawn to the parent key by eight pseudo-efforts."""
    return (total * _UNIT[what] + _PSEUDO_EFFORTS * parent) / (weight + _PSEUDO_EFFORTS)


def parent_of(plus: Floats, also: Floats, minus: Floats, what: int) -> Floats:
    """Return what the keys above say of one, within bounds."""
    return least(most(plus + also - minus, _LOW[what]), _HIGH[what])


class Remembered:
    """What is remembered of some rows, as columns; each is made when it is first asked for.

    Parameters
    ----------
    sums
        From a place in `KEYS` and one in `STATS` to the decayed sum of each row.
    """

    def __init__(self, sums: Callable[[int, int], Floats]) -> None:
        self._ask = sums
        self._asked: dict[tuple[int, int], Floats] = {}
        self._learned: dict[tuple[int, int], Floats] = {}
        self._parents: dict[tuple[int, int, int, int], Floats] = {}

    def column(self, name: str) -> Floats:
        """Return one of `HISTORY_COLUMNS`."""
        place, what = _MADE_OF[name]
        return self.learned(place, LEARNED.index(what)) if what in LEARNED else self._sums(place, STATS.index(what))

    def learned(self, place: int, what: int) -> Floats:
        """Return one of `LEARNED` by one of `KEYS`: what the sums say, drawn to the parent key by eight pseudo-efforts."""
        found = self._learned.get((place, what))
        if found is None:
            found = self._learned[place, what] = self._learn(place, what)
        return found

    def _learn(self, place: int, what: int) -> Floats:
        return drawn(self._sums(place, weighed_by(what)), self._sums(place, what + 1), self._parent(place, what), what)

    def _parent(self, place: int, what: int) -> Floats | float:
        if place == _PLACE[_ALL]:
            return TOP[what]
        above = CHAIN[place]
        found = self._parents.get((*above, what))
        if found is None:
            plus, also, minus = (self.learned(other, what) for other in above)
            found = self._parents[*above, what] = parent_of(plus, also, minus, what)
        return found

    def _sums(self, place: int, stat: int) -> Floats:
        found = self._asked.get((place, stat))
        if found is None:
            found = self._asked[place, stat] = self._ask(place, stat)
        return found


def stats_of(names: Collection[str]) -> list[int]:
    """Return the places in `STATS` of the sums that columns of history are made of."""
    kinds = {_MADE_OF[name][1] for name in names}
    told = {LEARNED.index(kind) for kind in kinds if kind in LEARNED}
    counts = {weighed_by(what) for what in told}
    return sorted(counts | {what + 1 for what in told} | {STATS.index(kind) for kind in kinds if kind not in LEARNED})


def shrink(sums: Floats) -> Floats:
    """Return per key what the decayed sums say, drawn to the parent key by eight pseudo-efforts (n x keys x `LEARNED`).

    The chain is everything -> payer, family -> payer x family -> payer x CARC; the very top is a fixed prior, so an empty
    history gives that.

    >>> shrink(np.zeros((1, len(KEYS), len(STATS))))[0, 3].tolist()
    [0.3, 0.7, 60.0, 200.0]
    """
    remembered = _remembered(sums)
    learned = [[remembered.learned(place, what) for what in range(len(LEARNED))] for place in range(len(KEYS))]
    return np.array(learned).transpose(2, 0, 1)


def _remembered(sums: Floats) -> Remembered:
    """Return the columns of sums (n x keys x stats)."""
    by_stat = np.ascontiguousarray(sums.transpose(2, 1, 0))
    return Remembered(lambda place, stat: by_stat[stat, place])


def learned_of(sums: Sequence[float], names: tuple[str, ...]) -> dict[str, float]:
    """Return some columns of `history_columns` for the sums of a single row (keys x stats, flat).

    The steps are those of `drawn` and `parent_of`, in the same order, written out: a row has dozens of them.
    """
    steps, found, above = _steps(names), [0.0] * (len(KEYS) * len(LEARNED)), [0.0] * len(LEARNED)
    for what, total, per, low, high, unit in steps.of_all:
        mean = found[what] = (sums[total] * unit + _PSEUDO_EFFORTS * TOP[what]) / (sums[per] + _PSEUDO_EFFORTS)
        above[what] = low if mean < low else high if mean > high else mean
    for at, what, total, per, unit in steps.below_all:
        found[at] = (sums[total] * unit + _PSEUDO_EFFORTS * above[what]) / (sums[per] + _PSEUDO_EFFORTS)
    for at, total, per, plus, also, minus, low, high, unit in steps.deeper:
        parent = found[plus] + found[also] - found[minus]
        parent = low if parent < low else high if parent > high else parent
        found[at] = (sums[total] * unit + _PSEUDO_EFFORTS * parent) / (sums[per] + _PSEUDO_EFFORTS)
    columns = dict(zip(steps.learned, map(found.__getitem__, steps.learned.values()), strict=True))
    columns.update(zip(steps.counted, map(sums.__getitem__, steps.counted.values()), strict=True))
    return columns


class _Steps(NamedTuple):
    """What leads to some columns: of everything, of keys whose parent is everything, and of those below; parents first.

    Places are those of `KEYS` x `LEARNED` and of `KEYS` x `STATS`, flat; `total` and `per` are sums. The columns stand with their places.
    """

    of_all: list[tuple[int, int, int, float, float, float]]
    below_all: list[tuple[int, int, int, int, float]]
    deeper: list[tuple[int, int, int, int, int, int, float, float, float]]
    learned: dict[str, int]
    counted: dict[str, int]


@cache
def _steps(names: tuple[str, ...]) -> _Steps:
    steps, needed = _Steps([], [], [], {}, {}), set()

    def need(place: int, what: int) -> int:
        at, of = place * len(LEARNED) + what, place * len(STATS)
        if at not in needed:
            needed.add(at)
            total, per, low, high, unit = of + what + 1, of + weighed_by(what), _LOW[what], _HIGH[what], _UNIT[what]
            if place == _PLACE[_ALL]:
                steps.of_all.append((what, total, per, low, high, unit))
                return at
            plus, also, minus = (need(above, what) for above in CHAIN[place])
            if CHAIN[place] == (_PLACE[_ALL],) * 3:
                steps.below_all.append((at, what, total, per, unit))
            else:
                steps.deeper.append((at, total, per, plus, also, minus, low, high, unit))
        return at

    for name in names:
        place, what = _MADE_OF[name]
        if what in LEARNED:
            steps.learned[name] = need(place, LEARNED.index(what))
        else:
            steps.counted[name] = place * len(STATS) + STATS.index(what)
    return steps


def _names(key: tuple[str, ...]) -> str:
    return "_x_".join(name.removesuffix("_id").removesuffix("_code") for name in key) or "all"


_MADE_OF = {f"{_names(key)}_{what}": (place, what) for place, key in enumerate(KEYS) for what in (*STATS[:2], *LEARNED)}


PLACE_OF_KEY = {_names(key): place for place, key in enumerate(KEYS)}
"""Place in `KEYS` by the name that begins its columns."""

HISTORY_COLUMNS = frozenset(_MADE_OF)
"""The columns of `history_columns`."""


def history_columns(sums: Floats) -> Columns:
    """Return the sums as columns `<key>_<what>`: `efforts`, `recoveries` and `LEARNED`, the key's parts joined by `_x_`."""
    remembered = _remembered(sums)
    return {name: remembered.column(name) for name in _MADE_OF}


def _column(name: str, *, unit: str, concept: str, phrase: str, monotone: int = 0, of_value: bool = True) -> Feature:
    null, meaning = "never null: an empty history reads as its parent", phrase[0].upper() + phrase[1:]
    return copied(
        f"{name}_history", name, meaning, unit=unit, concept=concept, phrase=phrase, null=null, monotone=monotone, of_value=of_value
    )


def _rate(key: str, concept: str, phrase: str) -> Feature:
    return _column(f"{key}_recovery_rate", unit="recoveries per effort", concept=concept, phrase=phrase, monotone=1, of_value=False)


def _efforts(key: str, concept: str, phrase: str) -> Feature:
    return _column(f"{key}_efforts", unit="decayed efforts", concept=concept, phrase=phrase)


# Counts, dollars and days grow with the length of the record itself: on real recoveries a likelihood that read them lost .01 of AUC,
# so they speak only for dollars and hours.
FEATURES = (
    _rate("payer", "payer behaviour", "how often this payer gave in lately"),
    _rate("family", "code history", "how often this kind of reason was overturned lately"),
    _rate("payer_x_family", "payer behaviour", "how often this payer gave in on this kind of reason"),
    _rate("carc", "code history", "how often this reason code was overturned lately"),
    _rate("payer_x_carc", "payer behaviour", "how often this payer gave in on this reason code"),
    _rate("adjustment", "code history", "how often this adjustment was reversed lately"),
    _rate("payer_x_adjustment", "payer behaviour", "how often this payer reversed this adjustment"),
    _rate("procedure", "code history", "how often this procedure was recovered"),
    _rate("payer_x_procedure", "payer behaviour", "how often this payer paid this procedure after all"),
    _rate("provider", "provider history", "how often this provider's write-offs were recovered"),
    _rate("facility", "provider history", "how often this facility's write-offs were recovered"),
    _rate("payer_x_remedy", "payer behaviour", "how often this remedy worked with this payer"),
    _rate("plan", "payer behaviour", "how often this plan's write-offs were recovered"),
    _efforts("payer", "payer behaviour", "how much is known of this payer"),
    _efforts("payer_x_family", "payer behaviour", "how much is known of this payer and reason"),
    _efforts("carc", "code history", "how much is known of this reason code"),
    _column(
        "payer_fraction", unit="share of the cap", concept="payer behaviour", phrase="how much this payer paid when it gave in", monotone=0
    ),
    _column("family_fraction", unit="share of the cap", concept="code history", phrase="how much came back for this kind of reason"),
    _column(
        "payer_x_family_fraction",
        unit="share of the cap",
        concept="payer behaviour",
        phrase="how much this payer paid for this kind of reason",
    ),
    _column("payer_days", unit="days", concept="payer behaviour", phrase="how long this payer takes"),
    _column(
        "payer_dollars", unit="dollars per recovery", concept="payer behaviour", phrase="how many dollars this payer's recoveries brought"
    ),
    _column("adjustment_dollars", unit="dollars per recovery", concept="code history", phrase="how many dollars such adjustments brought"),
    _column("procedure_dollars", unit="dollars per recovery", concept="code history", phrase="how many dollars this procedure brought"),
    _column(
        "plan_dollars", unit="dollars per recovery", concept="payer behaviour", phrase="how many dollars this plan's recoveries brought"
    ),
)
