"""The remits: 835 files that hold every adjustment of every claim in the ledger, to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from features.money import format_cents
from recoup.sample import codes
from recoup.sample.arrays import Ints, stream
from recoup.sample.claims import PLACES, Claims
from recoup.sample.contracts import MODIFIERS
from recoup.sample.envelope import Holding, Transaction, date_of, render, spell_day
from recoup.sample.ledger import Ledger
from recoup.sample.lines import LEDGER, PATIENT, Lines
from recoup.sample.payers import KINDS, TYPES, Payers
from recoup.sample.planting import Planted
from recoup.sample.procedures import Procedures
from recoup.sample.tables import drop_stale, write_text

_GROUPS = ("CO", "OA", "PI", "PR")
_FIRST_NAMES = "AVERY BLAKE CASEY DREW ELLIS FINLEY GRAY HARLOW INDIGO JULES KENDALL LANE MORGAN NOEL OAKLEY PARKER".split()
_LAST_NAMES = "SAMPLEWORTH TESTERBY MOCKRIDGE PLACEHOLT SPECIMANN DUMMERSON FICTIONI PROTOWSKI EXEMPLAR NOBODINE".split()
INTEREST_SHARE = 0.02
EXCESS_CENTS = 100
"""What a planted line out of balance says was charged above the sum of its parts."""


class Adjustment(NamedTuple):
    """One amount that a payer took off a line."""

    group: str
    carc: str
    cents: int


class Item(NamedTuple):
    """One service line as a remit tells it; `excess` cents are planted to put it out of balance."""

    number: int
    service: str
    billed: int
    paid: int
    units: int
    adjustments: tuple[Adjustment, ...]
    allowed: int
    rarc: str
    excess: int = 0


class Answer(NamedTuple):
    """One claim as a remit tells it."""

    claim_id: str
    status: str
    filing: str
    payer_claim_number: str
    place: str
    frequency: str
    original: str
    patient: int
    provider: int
    service_day: int
    received_day: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class RemitIndex:
    """Where the remits say what: file names, each claim's file, each posting's CAS segment, each line's SVC segment.

    `held` is the file and the PLB segment of each take-back that was planted.
    """

    names: tuple[str, ...]
    file: Ints
    segment: Ints
    service_segment: Ints
    held: tuple[tuple[int, int], ...] = ()


def claim_id(claim: int) -> str:
    """Spell the practice's claim number, as the ledger does."""
    return f"C{claim + 1:07d}"


def payer_claim_number(claim: int) -> str:
    """Spell the payer's claim number, as the ledger does."""
    return str(10**12 + (claim * 7_919 + 104_729) % (9 * 10**11))


def spell_claim(answer: Answer, sign: int = 1) -> list[str]:
    """Write the segments of one claim; with sign -1, its reversal: every amount negated under status 22 (DOMAIN 2.6)."""
    billed = sign * sum(item.billed for item in answer.items)
    paid = sign * sum(item.paid for item in answer.items)
    owed = sum(a.cents for item in answer.items for a in item.adjustments if a.group == "PR") if sign > 0 else 0
    status = answer.status if sign > 0 else "22"
    first, last = _FIRST_NAMES[answer.patient % len(_FIRST_NAMES)], _LAST_NAMES[answer.patient // 16 % len(_LAST_NAMES)]
    segments = [
        f"CLP*{answer.claim_id}*{status}*{format_cents(billed)}*{format_cents(paid)}*{format_cents(owed)}*{answer.filing}"
        f"*{answer.payer_claim_number}*{answer.place}*{answer.frequency}",
        f"NM1*QC*1*{last}*{first}****MI*M{answer.patient:09d}",
        f"NM1*82*1*CLINICIAN*NUMBER{answer.provider + 1}****PC*D{answer.provider + 1:02d}",
        *([f"REF*F8*{answer.original}"] if answer.original else []),
        f"DTM*232*{spell_day(answer.service_day)}",
        f"DTM*050*{spell_day(answer.received_day)}",
    ]
    for item in answer.items:
        segments += _spell_item(answer, item, sign)
    return segments


def _spell_item(answer: Answer, item: Item, sign: int) -> list[str]:
    segments = [
        f"SVC*HC:{item.service}*{format_cents(sign * item.billed + item.excess)}*{format_cents(sign * item.paid)}**{item.units}",
        f"DTM*472*{spell_day(answer.service_day)}",
    ]
    for group in _GROUPS:
        triplets = [f"{a.carc}*{format_cents(sign * a.cents)}" for a in item.adjustments if a.group == group]
        if triplets:
            segments.append(f"CAS*{group}*" + "**".join(triplets))
    segments.append(f"REF*6R*{answer.claim_id}-{item.number}")
    if item.allowed and sign > 0:
        segments.append(f"AMT*B6*{format_cents(item.allowed)}")
    if item.rarc:
        segments.append(f"LQ*HE*{item.rarc}")
    return segments


class Answers:
    """What the payers answered, claim by claim, read from the arrays of the practice."""

    def __init__(self, lines: Lines, claims: Claims, payers: Payers, procedures: Procedures, broken: Ints) -> None:
        self._claims, self._payers = claims, payers
        self._begin = np.cumsum(claims.lines) - claims.lines
        self._lines = lines
        self._code, self._amount = lines.code.tolist(), lines.amount.tolist()
        self._billed, self._paid = lines.billed.tolist(), lines.paid.tolist()
        self._units, self._allowed = lines.units.tolist(), lines.allowed.tolist()
        self._rarc, self._modifier = lines.rarc.tolist(), lines.modifier.tolist()
        self._procedure = [procedures.codes[i] for i in lines.procedure.tolist()]
        self._broken = frozenset(broken.tolist())

    def lines_of(self, claim: int) -> range:
        """Give the positions of a claim's lines."""
        first = int(self._begin[claim])
        return range(first, first + int(self._claims.lines[claim]))

    def answer(self, claim: int) -> Answer:
        """Tell one claim."""
        c = self._claims
        is_new = c.resubmissions[claim] > 0
        return Answer(
            claim_id=claim_id(claim),
            status="2" if c.is_secondary[claim] else "1",
            filing=KINDS[self._payers.kind[c.payer[claim]]].filing_indicator,
            payer_claim_number=payer_claim_number(claim),
            place=PLACES[c.place[claim]],
            frequency="7" if is_new else "1",
            original=payer_claim_number(claim + 5_000_000) if is_new else "",
            patient=int(c.patient[claim]),
            provider=int(c.provider[claim]),
            service_day=int(c.service_day[claim]),
            received_day=int(c.submitted_day[claim]),
            items=tuple(self._item(line, number) for number, line in enumerate(self.lines_of(claim), start=1)),
        )

    def _item(self, line: int, number: int) -> Item:
        modifier = MODIFIERS[self._modifier[line]]
        pairs = zip(self._code[line][:LEDGER], self._amount[line][:LEDGER], strict=True)
        return Item(
            number=number,
            service=f"{self._procedure[line]}:{modifier}" if modifier else self._procedure[line],
            billed=self._billed[line],
            paid=self._paid[line],
            units=self._units[line],
            adjustments=tuple(Adjustment(codes.ALL[k].group, codes.ALL[k].carc, cents) for k, cents in pairs if k >= 0),
            allowed=self._allowed[line],
            rarc=codes.RARCS[self._rarc[line]],
            excess=EXCESS_CENTS if line in self._broken else 0,
        )


def write_remits(folder: Path, seed: int, *, answers: Answers, planted: Planted, claims: Claims, payers: Payers) -> RemitIndex:
    """Write one file per month and type of payer, a transaction per payer and day of payment; say where all is."""
    ledger, lines = planted.ledger, planted.lines
    used = np.unique(lines.claim[ledger.line])
    used = used[~planted.missing[used]]
    held = {(one.payer, one.day): Holding("WO", payer_claim_number(one.claim), one.cents) for one in planted.held}
    places: dict[str, tuple[int, int]] = {}
    day, payer = claims.remit_day[used], claims.payer[used]
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    key = month * len(KINDS) + payers.kind[payer]
    used = used[np.lexsort((used, day, payer, key))]
    order = np.sort(key)
    cuts = np.flatnonzero(np.diff(order)) + 1
    file = np.zeros(len(claims.payer), dtype=np.int64)
    service = np.zeros(len(lines.claim), dtype=np.int64)
    names = []
    rng = stream(seed, "interest")
    for number, part in enumerate(np.split(used, cuts)):
        first = int(part[0])
        name = f"{date_of(int(claims.remit_day[first])):%Y-%m}-{TYPES[payers.kind[claims.payer[first]]]}.835"
        transactions = _transactions(part, answers, claims, payers, rng, held)
        text, firsts = render(transactions, number + 1)
        places |= _held_places(number, transactions, firsts)
        write_text(text, folder / name)
        names.append(name)
        file[part] = number
        spelled = [claim for transaction in transactions for claim in transaction.claims]
        for claim, begin, segments in zip(part.tolist(), firsts, spelled, strict=True):
            begins = [begin + i for i, segment in enumerate(segments) if segment.startswith("SVC")]
            service[answers.lines_of(claim)[0] : answers.lines_of(claim)[-1] + 1] = begins
    drop_stale(folder, names)
    taken = tuple(places[payer_claim_number(one.claim)] for one in planted.held)
    return RemitIndex(tuple(names), file, _adjustment_segments(ledger, lines, service), service, taken)


def _held_places(file: int, transactions: list[Transaction], firsts: list[int]) -> dict[str, tuple[int, int]]:
    """Number the PLB of each take-back by what it refers to: it follows the last claim of its transaction, six pairs to a segment."""
    found: dict[str, tuple[int, int]] = {}
    last = -1
    for transaction in transactions:
        last += len(transaction.claims)
        behind = firsts[last] + len(transaction.claims[-1])
        for i, one in enumerate(transaction.holdings):
            if one.reason == "WO":
                found[one.reference] = file, behind + i // 6
    return found


def _transactions(
    part: Ints, answers: Answers, claims: Claims, payers: Payers, rng: np.random.Generator, held: Mapping[tuple[int, int], Holding]
) -> list[Transaction]:
    transactions: list[Transaction] = []
    last = (-1, -1)
    for claim in part.tolist():
        payer, day = int(claims.payer[claim]), int(claims.remit_day[claim])
        if (payer, day) != last:
            transactions.append(Transaction(payers.ids[payer], payers.names[payer], day))
            last = (payer, day)
            if (payer, day) in held:
                transactions[-1].holdings.append(held[payer, day])
            if rng.random() < INTEREST_SHARE:
                transactions[-1].holdings.append(Holding("L6", "INTEREST", -int(rng.integers(10, 900))))
        answer = answers.answer(claim)
        transactions[-1].claims.append(spell_claim(answer))
        transactions[-1].paid += sum(item.paid for item in answer.items)
    return transactions


def _adjustment_segments(ledger: Ledger, lines: Lines, service: Ints) -> Ints:
    """Number each posting's CAS segment: behind SVC and DTM stand one CAS per group, in the order of `_GROUPS`."""
    group = np.array([_GROUPS.index(code.group) if code.group else -1 for code in codes.ALL])
    coded = lines.code[ledger.line][:, : PATIENT + 1]
    of_line = np.where(coded >= 0, group[coded], -1)
    own = group[ledger.remit_code]
    before = sum((of_line == g).any(axis=1) & (own > g) for g in range(len(_GROUPS)))
    return np.where(ledger.slot == LEDGER, 0, service[ledger.line] + 2 + np.asarray(before, dtype=np.int64))
