"""A number of a request that has a fraction, as the text that was sent."""

from __future__ import annotations


class Numeral(str):
    """The digits of a number: money is read from them digit by digit, and no field for words takes them for words.

    Examples
    --------
    >>> Numeral("12.10") == "12.10", isinstance(Numeral("12.10"), Numeral), isinstance("12.10", Numeral)
    (True, True, False)
    """

    __slots__ = ()
