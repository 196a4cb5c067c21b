"""The later remits: how payers say that a worked claim is paid after all, and how they take money back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from recoup.sample import codes
from recoup.sample.claims import Claims
from recoup.sample.envelope import Holding, Transaction, date_of, render
from recoup.sample.ledger import Ledger
from recoup.sample.lines import LEDGER, Lines
from recoup.sample.payers import TYPES, Payers
from recoup.sample.remits import Adjustment, Answer, Answers, Item, spell_claim
from recoup.sample.staff import Efforts
from recoup.sample.tables import drop_stale, write_text


class Event(NamedTuple):
    """One recovery (`cents` above nothing) or take-back (below) on a posting; `is_other` where another payer than the claim's paid."""

    month: str
    kind: int
    payer: int
    day: int
    row: int
    cents: int
    is_appeal: bool
    is_other: bool


def write_later_remits(
    folder: Path, efforts: Efforts, *, answers: Answers, ledger: Ledger, lines: Lines, claims: Claims, payers: Payers
) -> None:
    """Write a file per month and type of payer: reversal and correction of each recovered claim, take-backs as PLB WO.

    A claim that recovers on several lines is corrected several times, each time from where the last correction left it.
    """
    state: dict[int, Answer] = {}
    files: dict[str, dict[tuple[int, int], Transaction]] = {}
    for event in _events(efforts, ledger, lines, claims, payers):
        name = f"{event.month}-{TYPES[event.kind]}.835"
        transactions = files.setdefault(name, {})
        new = Transaction(payers.ids[event.payer], payers.names[event.payer], event.day)
        transaction = transactions.setdefault((event.payer, event.day), new)
        claim = int(lines.claim[ledger.line[event.row]])
        if event.cents < 0:
            told = answers.answer(claim).payer_claim_number
            transaction.holdings.append(Holding("WO", _next_number(told) if event.is_other else told, -event.cents))
            continue
        if event.is_other:
            transaction.claims.append(spell_claim(_next_payers(answers.answer(claim), event, ledger, lines)))
            transaction.paid += event.cents
            continue
        before = state.get(claim) or answers.answer(claim)
        after = _corrected(before, event, ledger, lines)
        state[claim] = after
        transaction.claims += [spell_claim(_with_cause(before, event), -1), spell_claim(after)]
        transaction.paid += event.cents
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(sorted(files), start=1):
        for transaction in files[name].values():
            _carry_forward(transaction)
        ordered = [files[name][key] for key in sorted(files[name])]
        write_text(render(ordered, 500_000 + number)[0], folder / name)
    drop_stale(folder, files)


def _events(efforts: Efforts, ledger: Ledger, lines: Lines, claims: Claims, payers: Payers) -> Iterator[Event]:
    """Give the events in the order of their days; what the practice posted by itself (bad debt) another payer pays, once it is found."""
    events = []
    appeal = codes.REMEDIES.index("appeal")
    for i in np.flatnonzero(efforts.recovered > 0).tolist():
        row = int(efforts.row[i])
        is_other = bool(ledger.slot[row] == LEDGER)
        payer = int(claims.payer[lines.claim[ledger.line[row]]])
        if is_other:
            payer = (payer + 1) % len(payers.ids)
        moves = [(int(efforts.resolved[i]), int(efforts.recovered[i]))]
        if efforts.back[i] > 0:
            moves.append((int(efforts.back_day[i]), -int(efforts.back[i])))
        for day, cents in moves:
            month = f"{date_of(day):%Y-%m}"
            events.append(Event(month, int(payers.kind[payer]), payer, day, row, cents, bool(efforts.action[i] == appeal), is_other))
    yield from sorted(events, key=lambda event: (event.day, event.row, event.cents))


def _next_payers(answer: Answer, event: Event, ledger: Ledger, lines: Lines) -> Answer:
    """Tell the claim as a second payer does: of one line, what the first left to the patient; the rest is the first one's affair."""
    line = int(ledger.line[event.row])
    [item] = [one for one in answer.items if one.number == int(lines.number[line])]
    owed = sum(one.cents for one in item.adjustments if one.group == "PR")
    parts = (Adjustment("OA", "23", item.billed - owed), Adjustment("PR", "2", owed - event.cents))
    adjustments = tuple(part for part in parts if part.cents > 0)
    paid = item._replace(paid=event.cents, adjustments=adjustments, allowed=owed, rarc="", excess=0)
    return answer._replace(
        status="2", payer_claim_number=_next_number(answer.payer_claim_number), original="", received_day=event.day - 21, items=(paid,)
    )


def _next_number(number: str) -> str:
    """Number a claim as the second payer does."""
    return f"9{number}"


def _with_cause(answer: Answer, event: Event) -> Answer:
    """Put the cause of the reversal on its lines: N690 an appeal, N694 a resubmission (DOMAIN 2.9)."""
    rarc = "N690" if event.is_appeal else "N694"
    # The reversal of a line that was planted out of balance balances: the payer never saw the slip.
    return answer._replace(items=tuple(item._replace(rarc=rarc, excess=0) for item in answer.items))


def _corrected(answer: Answer, event: Event, ledger: Ledger, lines: Lines) -> Answer:
    line = int(ledger.line[event.row])
    reason = codes.ALL[int(ledger.remit_code[event.row])]
    number, share = int(lines.number[line]), int(lines.share[line])
    items = tuple(
        _paid_more(item, reason.group, reason.carc, event.cents, share) if item.number == number else item._replace(excess=0)
        for item in answer.items
    )
    return answer._replace(items=items)


def _paid_more(item: Item, group: str, carc: str, cents: int, share: int) -> Item:
    """Pay a line `cents` more out of what one adjustment took.

    The rest of a refused whole charge becomes the patient's share and a contractual adjustment; other rests stay what they were.
    """
    adjustments = []
    for one in item.adjustments:
        if (one.group, one.carc) != (group, carc):
            adjustments.append(one)
            continue
        rest = one.cents - cents
        if one.cents == item.billed and rest > 0:
            owed = min(rest, share)
            parts = (Adjustment("CO", "45", rest - owed), Adjustment("PR", "2", owed))
            adjustments += [part for part in parts if part.cents > 0]
        elif rest > 0:
            adjustments.append(one._replace(cents=rest))
    allowed = item.billed - sum(a.cents for a in adjustments if a.carc == "45")
    return item._replace(paid=item.paid + cents, adjustments=tuple(adjustments), allowed=allowed, rarc="", excess=0)


def _carry_forward(transaction: Transaction) -> None:
    """Where more is taken back than paid, carry the rest forward: no payment is below nothing (TR3 1.10.2.12)."""
    short = -transaction.total()
    if short > 0:
        transaction.holdings.append(Holding("FB", "FORWARD", -short))
