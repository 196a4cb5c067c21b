"""Later 835s as outcome events on write-offs: what came after all, what was taken back, what was refused again.

The label of an event is the sign of the net payment after the correction against the adjudication that the write-off came from; a
remark gives only the cause (DOMAIN 3). `docs/outcomes.md` says the rules in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from features.codes.tables import Codes
from features.intake.remits.answers import Answer, LineBook, Reason, answers, with_follow_up
from features.intake.remits.candidates import TextColumns
from features.intake.remits.crediting import ClaimOutcomes
from features.intake.remits.events import Outcomes, event_order
from features.intake.remits.follow_ups import follow_ups
from features.intake.remits.netting import Chain
from features.intake.remits.other_payers import other_payers, with_other_payer
from features.intake.remits.records import Transaction
from features.intake.remits.take_backs import TakeBack, take_backs
from features.intake.remits.written_off import WrittenOff, written_off_by_candidates, written_off_by_ledger


def outcomes(
    chains: Sequence[Chain],
    remits: Sequence[Transaction],
    *,
    groups: Mapping[str, str] | None = None,
    ledger: tuple[TextColumns, Sequence[bool]] | None = None,
    as_of: str = "9999-12-31",
) -> Outcomes:
    """Return what later remits say of write-offs.

    Parameters
    ----------
    chains, remits
        As `netting.chains` and `netting.distinct_remits` return them.
    groups
        A practice's own group codes -> listed ones.
    ledger
        Rows and which of them are reversed, as `join_ledger` returns them. Without one the write-offs are the candidates of each claim's
        original adjudication.
    as_of
        ISO day whose morning it is: remits dated on it or later are not known.

    Examples
    --------
    >>> from features.intake.remits.issues import IssueLog
    >>> from features.intake.remits.netting import chains
    >>> from features.intake.remits.segments import read_segments
    >>> from features.intake.remits.transaction import read_transactions
    >>> text = (
    ...     b"ST*835*1~BPR*I*0*C*CHK************20240105~TRN*1*8*1999999999~CLP*7*1*100*0**12*A1~CAS*CO*16*100~SE*6*1~"
    ...     b"ST*835*2~BPR*I*60*C*CHK************20240305~TRN*1*9*1999999999~CLP*7*22*-100*0**12*A1~CAS*CO*16*-100~MOA***N690~"
    ...     b"CLP*7*1*100*60**12*A1~CAS*CO*45*40~SE*9*2~"
    ... )
    >>> log = IssueLog("a.835")
    >>> remits = list(read_transactions(read_segments([text], log), log))
    >>> [event] = outcomes(chains(remits), remits).events
    >>> event.resolved_date, event.action, event.status, event.recovered
    ('2024-03-05', 'appeal', 'recovered', 6000)
    """
    roots = roots_of(len(chains), follow_ups(chains))
    return outcomes_of(chains, take_backs(remits, chains, roots, as_of=as_of), groups=groups, ledger=ledger, as_of=as_of)


def outcomes_of(
    chains: Sequence[Chain],
    taken: Mapping[int, Sequence[TakeBack]],
    *,
    groups: Mapping[str, str] | None = None,
    ledger: tuple[TextColumns, Sequence[bool]] | None = None,
    as_of: str = "9999-12-31",
) -> Outcomes:
    """Return what later remits say of some claims: all chains of an account number are among them, and all rows of the ledger on it.

    Parameters
    ----------
    taken
        What PLB pairs take back from each claim, as `take_backs` returns it.
    chains, groups, ledger, as_of
        As in `outcomes`.
    """
    words = groups or {}
    follows = follow_ups(chains)
    roots = roots_of(len(chains), follows)
    own_books = [LineBook() for _ in chains]
    books = [own_books[root] for root in roots]
    said = _steps(chains, follows, books, words, as_of)
    others = other_payers(chains, roots)
    for place, root in others.items():
        # What nobody wrote off of the patient's share, the next payer pays in the usual course; without a ledger nothing says who did.
        is_owed = partial(_is_another_payers, has_ledger=ledger is not None)
        said[root] = with_other_payer(chains[root], said[root], chains[place], books[root], words, is_owed=is_owed, as_of=as_of)
    if ledger is None:
        postings = _gathered(written_off_by_candidates(chains, books, words), roots)
    else:
        wanted = [bool(said[root]) or root in taken for root in roots]
        postings = written_off_by_ledger(ledger[0], ledger[1], chains, roots, books, words, wanted=wanted)
    result = Outcomes([])
    for i, (steps, known) in enumerate(zip(said, postings, strict=True)):
        if steps or i in taken:
            claim = ClaimOutcomes(known)
            claim.replay(steps, taken.get(i, ()))
            result.events += claim.events
            result.loose_recovered += claim.loose_recovered
            result.loose_taken_back += claim.loose_taken_back
    result.events.sort(key=event_order)
    return result


def roots_of(count: int, follows: Mapping[int, int]) -> list[int]:
    """Return for each chain the place of the first one that it goes on from, its own where from none."""
    roots = list(range(count))
    for place in sorted(follows):
        # it goes on from one that stands before it, whose root is known
        roots[place] = roots[follows[place]]
    return roots


def _gathered(postings: Sequence[list[WrittenOff]], roots: Sequence[int]) -> list[list[WrittenOff]]:
    found: list[list[WrittenOff]] = [[] for _ in postings]
    for root, known in zip(roots, postings, strict=True):
        found[root] += known
    return found


def _steps(
    chains: Sequence[Chain], follows: Mapping[int, int], books: Sequence[LineBook], groups: Mapping[str, str], as_of: str
) -> list[list[Answer]]:
    """Return the steps of each chain that goes on from no other, those of its follow-ups included; of the others none."""
    said = [
        answers(chain, book, groups, as_of=as_of) if len(chain.adjudications) > 1 else [] for chain, book in zip(chains, books, strict=True)
    ]
    # the last first, so that what follows a follow-up is among its steps
    for place in sorted(follows, reverse=True):
        earlier = follows[place]
        said[earlier] = with_follow_up(chains[earlier], said[earlier], chains[place], said[place], books[place], groups, as_of=as_of)
        said[place] = []
    return said


_ANOTHER_PAYERS = frozenset(("cob", "eligibility"))


def _is_another_payers(reason: Reason, *, has_ledger: bool) -> bool:
    """Return whether another payer may owe what was written off for this reason; what a payer before left (OA-23) it does not."""
    group, carc = reason
    if group == "PR":
        return has_ledger
    known = Codes.load().carc(carc)
    return known is not None and known.family in _ANOTHER_PAYERS and reason != ("OA", "23")
