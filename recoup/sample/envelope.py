"""Remit files: transactions in their envelopes, counted and balanced (005010X221A1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from features.money import format_cents
from recoup.sample.arrays import EPOCH

PAYEE, PAYEE_NPI, PAYEE_TAX = "CEDAR VALLEY MEDICAL GROUP", "1234567893", "990000001"
_RECEIVER = "CEDARVALLEY"


class Holding(NamedTuple):
    """One provider-level adjustment (PLB); positive cents reduce the payment (DOMAIN 2.5)."""

    reason: str
    reference: str
    cents: int


@dataclass
class Transaction:
    """One payment of one payer on one day: the segments of its claims, each claim a list, and what was held back."""

    payer_id: str
    payer_name: str
    day: int
    claims: list[list[str]] = field(default_factory=list)
    paid: int = 0
    holdings: list[Holding] = field(default_factory=list)

    def total(self) -> int:
        """Give what is paid out: claims less holdings."""
        return self.paid - sum(holding.cents for holding in self.holdings)


def spell_day(day: int) -> str:
    """Write a day since 1970-01-01 as X12 does.

    Examples
    --------
    >>> spell_day(31)
    '19700201'
    """
    return f"{date_of(day):%Y%m%d}"


def date_of(day: int) -> date:
    """Turn a day since 1970-01-01 into a date."""
    return EPOCH + timedelta(days=day)


def render(transactions: Sequence[Transaction], control: int) -> tuple[str, list[int]]:
    """Write one interchange; give its text and the number of each claim's first segment, counted from 1 at the ISA.

    Examples
    --------
    >>> text, firsts = render([Transaction("P001", "A PAYER", 20_000, [["CLP*1*1*5*5"]], 500)], 1)
    >>> text.splitlines()[firsts[0] - 1], text.splitlines()[-1]
    ('CLP*1*1*5*5~', 'IEA*1*000000001~')
    """
    day = spell_day(max(transaction.day for transaction in transactions))
    segments = [
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{'CLEARWAY':15}*ZZ*{_RECEIVER:15}*{day[2:]}*0600*^*00501*{control:09d}*0*P*:",
        f"GS*HP*CLEARWAY*{_RECEIVER}*{day}*0600*{control}*X*005010X221A1",
    ]
    firsts: list[int] = []
    for number, transaction in enumerate(transactions, start=1):
        begin = len(segments)
        segments += _header(transaction, number)
        for claim in transaction.claims:
            firsts.append(len(segments) + 1)
            segments += claim
        segments += _holdings(transaction)
        segments.append(f"SE*{len(segments) - begin + 1}*{number:04d}")
    segments += [f"GE*{len(transactions)}*{control}", f"IEA*1*{control:09d}"]
    return "~\n".join(segments) + "~\n", firsts


def _header(transaction: Transaction, number: int) -> list[str]:
    total, day = transaction.total(), spell_day(transaction.day)
    way = "I*{}*C*ACH*CCP*01*999999992*DA*123456789*1990000002**01*999999992*DA*987654321*{}" if total else "H*{}*C*NON************{}"
    return [
        f"ST*835*{number:04d}",
        "BPR*" + way.format(format_cents(total), day),
        f"TRN*1*{transaction.payer_id}{day}{number:04d}*1990000002",
        f"DTM*405*{day}",
        f"N1*PR*{transaction.payer_name}",
        "N3*1 EXAMPLE PLAZA",
        "N4*SPRINGFIELD*IL*62701",
        f"REF*2U*{transaction.payer_id}",
        "PER*BL*PROVIDER SERVICES*TE*8005550100",
        f"N1*PE*{PAYEE}*XX*{PAYEE_NPI}",
        f"REF*TJ*{PAYEE_TAX}",
        *(["LX*1"] if transaction.claims else []),
    ]


def _holdings(transaction: Transaction) -> list[str]:
    year, held = date_of(transaction.day).year, transaction.holdings
    pairs = [f"{holding.reason}:{holding.reference}*{format_cents(holding.cents)}" for holding in held]
    # One PLB holds six pairs at most.
    return [f"PLB*{PAYEE_NPI}*{year}1231*" + "*".join(pairs[i : i + 6]) for i in range(0, len(pairs), 6)]
