"""How evidence writes days, dollars and reasons."""

from __future__ import annotations

import numpy as np

from features.money import NULL
from features.money import exact_dollars as dollars

__all__ = ["counted", "day", "dollars", "reason"]


def day(number: int) -> str:
    """Write a day since 1970-01-01; unknown is said.

    >>> day(31), day(NULL)
    ('1970-02-01', 'an unknown day')
    """
    return "an unknown day" if number == NULL else str(np.datetime64(int(number), "D"))


def counted(number: int, one: str, many: str = "") -> str:
    """Write a count and what is counted.

    >>> counted(1, "line"), counted(1200, "line"), counted(2, "entry (PLB)", "entries (PLB)")
    ('1 line', '1,200 lines', '2 entries (PLB)')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def reason(group: str | None, carc: str | None) -> str:
    """Write a group and reason code.

    >>> reason("CO", "45"), reason(None, None)
    ('CO-45', 'no reason code')
    """
    return "-".join(part for part in (group, carc) if part) or "no reason code"
