"""Which write-offs a chain of adjudications may answer: a ledger's rows, or the candidates of the original adjudication."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from features.intake.remits.answers import CLAIM, LineBook, Reason, original
from features.intake.remits.candidates import Posting, TextColumns, identified
from features.intake.remits.issues import IssueLog
from features.intake.remits.ledger_join import Joiner
from features.intake.remits.netting import Chain
from features.intake.remits.records import Transaction
from features.money import parse_cents

_OTHER_KINDS = frozenset(("reversal", "transfer", "conversion"))


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """One posting that an answer may be about.

    Parameters
    ----------
    writeoff_id
        The posting.
    posted
        ISO day, `writeoff_date`.
    cents
        Its amount; None where unknown.
    line
        Number in the chain's `LineBook`; `CLAIM` where it stands for the whole claim.
    reason
        Group and CARC that it came from; None where nothing says it.
    is_reversed
        The ledger has undone it.
    control
        Of a candidate, that of the remit that it came from; blank for a row of a ledger.
    """

    writeoff_id: str
    posted: str
    cents: int | None
    line: int
    reason: Reason | None
    is_reversed: bool = False
    control: tuple[str, ...] = ()

    def is_before(self, remit: Transaction) -> bool:
        """Whether it came from what was said before a remit: a ledger's row from what was sent up to its day, as it was joined."""
        if self.control:
            return (self.posted, self.control) < (remit.remit_date, remit.control)
        return self.posted < remit.sent_date


def written_off_by_candidates(chains: Sequence[Chain], books: Sequence[LineBook], groups: Mapping[str, str]) -> list[list[WrittenOff]]:
    """Return for each chain the candidates of its original adjudication, under the ids that they had before anything followed.

    All chains take part, in order, since an id that is taken moves the next one.
    """
    taken: set[str] = set()
    found: list[list[WrittenOff]] = []
    for chain, book in zip(chains, books, strict=True):
        rows = identified(original(chain), groups, taken)
        found.append([_candidate(identity, posting, book) for identity, posting in rows])
    return found


def _candidate(identity: str, posting: Posting, book: LineBook) -> WrittenOff:
    assert posting.bucket is not None
    remit = posting.adjudication.remit
    return WrittenOff(
        writeoff_id=identity,
        posted=remit.remit_date,
        cents=posting.bucket.cents,
        line=_line(posting, book),
        reason=(posting.group, posting.carc),
        control=remit.control,
    )


def written_off_by_ledger(
    rows: TextColumns,
    is_reversed: Sequence[bool],
    chains: Sequence[Chain],
    roots: Sequence[int],
    books: Sequence[LineBook],
    groups: Mapping[str, str],
    *,
    wanted: Sequence[bool],
) -> list[list[WrittenOff]]:
    """Return for each chain that goes on from no other the rows of a ledger that stand on it, first posted first.

    Reversals, transfers, conversions and rows of nothing are no write-offs. A row that may stand on several chains stands on none.

    Parameters
    ----------
    rows, is_reversed
        As `ledger_join.join_ledger` returns them.
    chains, roots, books
        Each chain with the place of the one that it goes on from (or its own), and with its book.
    groups
        A practice's own group codes -> listed ones.
    wanted
        Which chains anything followed on; rows of other accounts are passed over.
    """
    place = {id(one): root for root, chain in zip(roots, chains, strict=True) for one in chain.adjudications}
    joiner = Joiner(chains, groups, IssueLog(""), only=[chain for chain, is_wanted in zip(chains, wanted, strict=True) if is_wanted])
    found: defaultdict[int, list[WrittenOff]] = defaultdict(list)
    for row, undone in zip(_as_rows(rows), is_reversed, strict=True):
        options = joiner.places(row) if _is_writeoff(row) else []
        homes = {place[id(one.adjudication)] for one in options}
        if len(homes) == 1:
            [home] = homes
            found[home].extend(_ledger_row(row, options, books[home], undone=undone))
    return [sorted(found[i], key=lambda one: (one.is_reversed, one.posted, one.writeoff_id)) for i in range(len(chains))]


def _as_rows(columns: TextColumns) -> Iterator[dict[str, str]]:
    names = list(columns)
    return (dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True))


def _is_writeoff(row: Mapping[str, str]) -> bool:
    text = row.get("writeoff_amount", "")
    is_other = row.get("posting_kind") in _OTHER_KINDS or bool(row.get("reverses_writeoff_id"))
    return not is_other and (not text or parse_cents(text) > 0)


def _ledger_row(row: Mapping[str, str], options: Sequence[Posting], book: LineBook, *, undone: bool) -> Iterator[WrittenOff]:
    text = row.get("writeoff_amount", "")
    cents = parse_cents(text) if text else None
    posting = _reason(row, options, cents)
    if posting is None and row.get("carc"):
        # it names a reason that its line does not have, in neither code nor amount: it is about something else
        return
    lines = {_line(one, book) for one in ([posting] if posting else options)}
    line = lines.pop() if len(lines) == 1 else CLAIM
    yield WrittenOff(row["writeoff_id"], row["writeoff_date"], cents, line, (posting.group, posting.carc) if posting else None, undone)


def _reason(row: Mapping[str, str], options: Sequence[Posting], cents: int | None) -> Posting | None:
    """Return the adjustment that a row posts: code and amount, else the one of its amount, else of its code.

    The amount goes before the code alone: staff post a refusal under the code of the contract, to the cent.
    """
    adjusted = [one for one in options if one.bucket is not None]
    of_code = [one for one in adjusted if row.get("carc") == one.carc and row.get("group_code", "") in ("", one.group)]
    of_code = of_code or [one for one in adjusted if row.get("carc") == one.carc]
    of_amount = [one for one in adjusted if one.bucket is not None and one.bucket.cents == cents]
    both = [one for one in of_code if one in of_amount]
    # a provider writes off its own share, not the patient's
    own = [one for one in of_amount if one.group != "PR"]
    for fitting in (both, own, of_amount, of_code):
        if len(fitting) == 1:
            return fitting[0]
    return None


def _line(posting: Posting, book: LineBook) -> int:
    claim = posting.adjudication.claim
    if posting.line is None:
        return CLAIM
    return book.numbers(claim)[posting.line.number - 1]
