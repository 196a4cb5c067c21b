"""Days as whole numbers: months, years and business days later."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from features.money import NULL
from features.rowwise import is_plain, single

_ONE_DAY = np.timedelta64(1, "D")


def add_months(days: NDArray[np.int64], months: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the same day of the month so many months later, or the month's last day; NULL stays.

    Parameters
    ----------
    days
        Days since 1970-01-01; NULL is not known.
    months
        Whole months to add, one number or one for each day.

    Examples
    --------
    >>> later = add_months(np.array([np.datetime64("2024-02-29").astype(int), NULL]), 12)
    >>> later[0].astype("datetime64[D]"), bool(later[1] == NULL)
    (np.datetime64('2025-02-28'), True)
    """
    if is_plain(days) and is_plain(months):
        return _moved_one(days, months)
    if len(days) < _MANY or not isinstance(months, int):
        return _moved(days, months)
    known = days != NULL
    first, last = int(np.min(days, where=known, initial=_LATEST)), int(np.max(days, where=known, initial=-_LATEST))
    if last - first >= len(days):
        return _moved(days, months)
    # The last place, which -1 counts from the end, is that of NULL.
    every = np.append(_moved(np.arange(first, last + 1), months), NULL)
    return every[np.where(known, days - first, -1)]


_MANY = 4096
"""Among so many days most come again: each is moved once."""
_LATEST = 2**40


def _moved(days: NDArray[np.int64], months: int | NDArray[np.int64]) -> NDArray[np.int64]:
    # NULL is also NumPy's NaT, so it stays itself all the way.
    day = days.view("datetime64[D]")
    month = day.astype("datetime64[M]")
    later = month + months
    last = (later + 1).astype("datetime64[D]") - _ONE_DAY
    moved: NDArray[np.int64] = np.minimum(later.astype("datetime64[D]") + (day - month), last).view(np.int64)
    return moved


@lru_cache(4096)
def _moved_one(day: int, months: int) -> NDArray[np.int64]:
    return single(int(_moved(np.array([day]), months)[0]))


def add_business_days(days: NDArray[np.int64], count: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the day so many business days later (Monday to Friday, federal holidays apart); NULL stays.

    Examples
    --------
    >>> friday = np.array([np.datetime64("2026-07-02").astype(int)])  # a Thursday; the 4th, a Saturday, is kept on Friday
    >>> add_business_days(friday, 1)[0].astype("datetime64[D]")
    np.datetime64('2026-07-06')
    """
    if is_plain(days) and is_plain(count):
        return _moved_in_business(days, count)
    is_known = days != NULL
    start = np.where(is_known, days, 0).astype("datetime64[D]")
    moved = np.busday_offset(start, count, roll="preceding", holidays=federal_holidays())
    return np.where(is_known, moved.astype(np.int64), NULL)


@lru_cache(4096)
def _moved_in_business(day: int, count: int) -> NDArray[np.int64]:
    return single(int(add_business_days(np.array([day]), count)[0]))


def federal_holidays(first: int = 1990, last: int = 2045) -> NDArray[np.datetime64]:
    """Return the federal holidays (5 USC 6103) of these years, as kept: Saturday's on Friday, Sunday's on Monday.

    Examples
    --------
    >>> [str(day) for day in federal_holidays(2026, 2026)][:4]
    ['2026-01-01', '2026-01-19', '2026-02-16', '2026-05-25']
    """
    known = _HOLIDAYS.get((first, last))
    if known is None:
        days = sorted(day for year in range(first, last + 1) for day in _holidays_of(year))
        known = _HOLIDAYS[first, last] = np.array(days, dtype="datetime64[D]")
    return known


_HOLIDAYS: dict[tuple[int, int], NDArray[np.datetime64]] = {}
_MONDAY, _THURSDAY = 0, 3


def _holidays_of(year: int) -> list[np.datetime64]:
    fixed = [f"{year}-01-01", f"{year}-07-04", f"{year}-11-11", f"{year}-12-25"]
    if year >= 2021:
        fixed.append(f"{year}-06-19")
    days = [_kept(np.datetime64(day, "D")) for day in fixed]
    days += [_nth(year, 1, _MONDAY, 3), _nth(year, 2, _MONDAY, 3), _nth(year, 6, _MONDAY, 1) - np.timedelta64(7, "D")]
    days += [_nth(year, 9, _MONDAY, 1), _nth(year, 10, _MONDAY, 2), _nth(year, 11, _THURSDAY, 4)]
    return days


def _kept(day: np.datetime64) -> np.datetime64:
    """Return the day on which a holiday of a fixed date is kept."""
    weekday = (int(day.astype(np.int64)) + 3) % 7
    return day + np.timedelta64({5: -1, 6: 1}.get(weekday, 0), "D")


def _nth(year: int, month: int, weekday: int, nth: int) -> np.datetime64:
    """Return the nth such weekday of a month."""
    first = np.datetime64(f"{year}-{month:02d}-01", "D")
    ahead = (weekday - (int(first.astype(np.int64)) + 3)) % 7
    return first + np.timedelta64(ahead + 7 * (nth - 1), "D")
