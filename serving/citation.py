"""What a citation names that somebody outside this house can look up."""

from __future__ import annotations

import re

_ASIDE = re.compile(r" \([^()]*\bDOMAIN\b[^()]*\)")
_OURS = ("DOMAIN", "DATA")


def sources(citation: str) -> str:
    """Return a citation without the decisions of our own; empty where nothing else stands in it.

    >>> sources("DOMAIN 3; 42 CFR 413.89(e) for Medicare bad debt"), sources("usage note of reason 45 (DOMAIN 2.3)")
    ('42 CFR 413.89(e) for Medicare bad debt', 'usage note of reason 45')
    >>> sources("usage notes of the reason codes (features/codes/carc.csv; DOMAIN 2.3)"), sources("DATA payer_rules; DOMAIN 3")
    ('usage notes of the reason codes', '')
    """
    parts = (part.strip() for part in _ASIDE.sub("", citation).split(";"))
    return "; ".join(part for part in parts if part and not part.startswith(_OURS))
