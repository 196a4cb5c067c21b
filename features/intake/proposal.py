"""A mapping proposed from the header and first rows of a practice's own export."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from features.intake.cells import Cells, Unlisted
from features.intake.export_names import EXPORT_NAMES
from features.intake.header import Header
from features.intake.made_ids import MADE
from features.intake.mapping import OWN_SECTION, MoneyForm, parse
from features.intake.mapping import Mapping as Mapping_
from features.intake.rejects import Rule
from features.tables import Column, Kind, Table

Rows: TypeAlias = Sequence[Sequence[str | None]]

DATE_FORMATS = (
    "%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y", "%d-%b-%Y", "%Y%m%d", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f",
    "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%y %H:%M", "%b %d %Y", "%d-%b-%y",
)  # fmt: skip
"""Tried in this order; the month first, as US systems write."""

MADE_OF = ("claim_id", "line_number", "procedure_code", "writeoff_date", "adjustment_code", "group_code", "carc", "writeoff_amount")
"""What tells one posting from another where an export has no ids of them."""

CERTAIN, LIKELY, GUESSED = 0.95, 0.8, 0.5
"""Confidence of a name that we know, of one that holds all its words, and of one that holds some of them."""

_FEW = 20
"""Fewer cells than this say nothing of whether words come again."""

_ABBREVIATIONS = {"amt": "amount", "no": "number", "num": "number", "nbr": "number", "#": "number", "dt": "date", "adj": "adjustment",
                  "ins": "insurance", "pt": "patient", "acct": "account", "desc": "description", "cd": "code", "auth": "authorization",
                  "resp": "responsibility", "wo": "writeoff", "payor": "payer"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guess:
    """One proposed column: theirs, ours, how sure (0 to 1), and why."""

    theirs: str
    ours: str
    confidence: float
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed mapping.

    Parameters
    ----------
    toml
        The mapping file's text; it loads as it stands. Each guess stands behind its line.
    guesses
        The columns proposed, in the file's order; columns that are named as ours already are not among them.
    made_of
        Their columns that ids of postings are made of, where no column holds these; blank: one does, or too little is there.
    missing
        Required columns for which nothing was found: without them the table cannot be read.
    ignored
        Names that nothing was found for.
    """

    toml: str
    guesses: tuple[Guess, ...]
    made_of: tuple[str, ...]
    missing: tuple[str, ...]
    ignored: tuple[str, ...]

    @property
    def mapping(self) -> Mapping_:
        """The mapping that the text says."""
        return parse(self.toml, source="proposed mapping")


def propose(header: Sequence[str], sample_rows: Rows, table: Table) -> Proposal:
    """Propose a mapping for a file.

    Names are compared with those that practice-management systems export; where several of a file's columns could be one of ours,
    the one whose first rows read best wins. Nothing of the rows enters the result but the forms of dates and amounts.

    Parameters
    ----------
    header
        The file's column names.
    sample_rows
        Some rows (20 are plenty), as text.
    table
        What the rows should be.

    Examples
    --------
    >>> from features.tables import WRITEOFFS
    >>> header = ["Trans ID", "Write Off Date", "Payer Name", "Adj Amt", "Reason Code", "Shoe Size"]
    >>> proposed = propose(header, [["1", "01/31/2024", "Aetna", "-$1,200.50", "CO-45", "9"]], WRITEOFFS)
    >>> print(proposed.toml)
    # Proposed for table writeoffs. Check each line; what stands behind # is only a remark.
    sign = "negative_is_writeoff"
    date_format = "%m/%d/%Y"
    <BLANKLINE>
    [money]
    currency = "$"
    thousands = ","
    <BLANKLINE>
    [columns]
    "Trans ID" = "writeoff_id"  # 95 %: a usual name
    "Write Off Date" = "writeoff_date"  # 95 %: a usual name
    "Payer Name" = "payer_id"  # 95 %: a usual name
    "Adj Amt" = "writeoff_amount"  # 95 %: a usual name
    "Reason Code" = "carc"  # 95 %: a usual name
    <BLANKLINE>
    # No column says of which kind a payer is, which decides time limits. Say it of the large ones:
    # [payer_types]
    # "<a payer>" = "medicare"  # docs/mapping.md lists the kinds
    <BLANKLINE>
    # Ignored: "Shoe Size"
    <BLANKLINE>
    >>> proposed.missing
    ()
    """
    samples = {name: _sample(sample_rows, place) for place, name in enumerate(header) if name.strip()}
    own = {name: found for name in header if (found := Header(table, None).find(name)) is not None}
    form = _money_form([text for texts in samples.values() for text in texts])
    dates = _date_formats(samples)
    guesses = _guess(header, samples, table, own, Mapping_(date_formats=dates, money=form))
    ours = {guess.ours: guess.theirs for guess in guesses} | {name: theirs for theirs, name in own.items()}
    made_of = _made_of(table, ours)
    known = {*ours, MADE} if made_of else {*ours}
    missing = tuple(column.name for column in table.columns if not column.nullable and column.name not in known)
    ignored = tuple(name for name in header if name.strip() and name not in ours.values())
    is_negative = _is_mostly_negative(samples.get(ours.get("writeoff_amount", ""), []))
    forms = _forms(table, made_of, form, dates, is_negative=is_negative)
    lines = [*forms, *_columns(table, guesses, set(own.values()), missing, ignored), *_own_words(table, ours, samples)]
    lines += _in_own_words(table, set(ours), {name: samples[name] for name in ignored})
    return Proposal("\n".join(lines) + "\n", guesses, made_of, missing, ignored)


def _made_of(table: Table, ours: Mapping[str, str]) -> tuple[str, ...]:
    """Return their columns that tell postings apart, where the table needs ids and no column holds them; at least claim and day."""
    if MADE not in table.names or MADE in ours or not {"claim_id", "writeoff_date"} <= set(ours):
        return ()
    return tuple(ours[name] for name in MADE_OF if name in ours)


def _sample(rows: Rows, place: int) -> list[str]:
    return [text.strip() for row in rows if place < len(row) and (text := row[place]) is not None and text.strip()]


def _words(name: str) -> str:
    """Return a name as words: lower case, abbreviations written out."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.replace("#", " # "))
    words = re.findall(r"[a-z0-9]+|#", spaced.lower().replace("write-off", "writeoff").replace("write off", "writeoff"))
    return " ".join(_ABBREVIATIONS.get(word, word) for word in words)


def _guess(
    header: Sequence[str], samples: Mapping[str, list[str]], table: Table, own: Mapping[str, str], forms: Mapping_
) -> tuple[Guess, ...]:
    candidates = []
    for place, theirs in enumerate(header):
        if theirs in own or not theirs.strip():
            continue
        for column in table.columns:
            if column.name in own.values():
                continue
            confidence, why = _likeness(_words(theirs), column.name)
            confidence *= _readable(column, samples[theirs], forms)
            if confidence >= GUESSED / 2:
                candidates.append((-confidence, place, Guess(theirs, column.name, round(confidence, 2), why)))
    chosen: dict[str, tuple[int, Guess]] = {}
    taken: set[str] = set()
    for _, place, guess in sorted(candidates, key=lambda candidate: candidate[:2]):
        if guess.ours not in chosen and guess.theirs not in taken:
            chosen[guess.ours] = place, guess
            taken.add(guess.theirs)
    return tuple(guess for _, guess in sorted(chosen.values(), key=lambda pair: pair[0]))


def _likeness(words: str, ours: str) -> tuple[float, str]:
    names = {_words(name) for name in EXPORT_NAMES.get(ours, ())} | {_words(ours)}
    if words in names:
        return CERTAIN, "a usual name"
    given = set(words.split())
    if any(set(name.split()) <= given for name in names if " " in name):
        return LIKELY, "holds the words of a usual name"
    shared = max(len(given & set(name.split())) / len(given | set(name.split())) for name in names)
    return (GUESSED, "shares words with a usual name") if shared >= 0.5 else (0.0, "")


def _readable(column: Column, texts: list[str], forms: Mapping_) -> float:
    """Return the share of the sample that the column can read; 1 without a sample."""
    if not texts:
        return 1.0
    if column.allowed and len(texts) >= _FEW and len(set(texts)) * 2 > len(texts):
        return 0.0  # Words of a list come again; these are numbers or names of something.
    cells = Cells(column, forms)
    # What must be there is told in the practice's own words where it has such; a mapping says what they stand for.
    passed = () if column.nullable else (Rule.NOT_LISTED,)
    return sum(not isinstance(found := cells[text], Rule) or found in passed for text in texts) / len(texts)


def _money_form(texts: Iterable[str]) -> MoneyForm:
    amounts = [text for text in texts if re.fullmatch(r"[-($€£\s]*[0-9][0-9,]*(\.[0-9]{1,2}-?)?[\s)]*", text)]
    currency = next((symbol for symbol in "$€£" if any(symbol in text for text in amounts)), "")
    # Among the first rows there may be none of a thousand dollars, and the largest recoveries would be refused.
    has_thousands = currency in ("$", "£") or any(re.search(r"[0-9],[0-9]{3}(?![0-9])", text) for text in amounts)
    has_parentheses = any("(" in text and text[-1] == ")" for text in amounts)
    return MoneyForm(currency, "," if has_thousands else "", has_parentheses, any(text[-1] == "-" for text in amounts))


def _date_formats(samples: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return a form for each column whose name speaks of dates and that ISO does not read; none where none reads all of it."""
    column = Column("day", Kind.DATE, "")
    readers = {form: Cells(column, Mapping_(date_formats=(form,) if form else ())) for form in ("", *DATE_FORMATS)}
    dated = [texts for name, texts in samples.items() if texts and {"date", "dos", "from", "to"} & set(_words(name).split())]
    fits = Counter(form for texts in dated for form, cells in readers.items() if _reads(cells, texts))
    # A form that reads more columns is likelier the right one for each: 03/04/26 alone may be many days.
    best = [
        max((form for form, cells in readers.items() if _reads(cells, texts)), key=lambda form: fits[form], default="") for texts in dated
    ]
    return tuple(form for form in DATE_FORMATS if form in best)


def _reads(cells: Cells, texts: Iterable[str]) -> bool:
    return not any(isinstance(cells[text], Rule) for text in texts)


def _is_mostly_negative(texts: list[str]) -> bool:
    return bool(texts) and sum(text.lstrip("$€£ ")[:1] in ("-", "(") or text[-1] == "-" for text in texts) * 2 > len(texts)


def _forms(table: Table, made_of: Sequence[str], form: MoneyForm, dates: Sequence[str], *, is_negative: bool) -> list[str]:
    """Return the lines that say how cells are written."""
    lines = [f"# Proposed for table {table.name}. Check each line; what stands behind # is only a remark."]
    if is_negative and table.name == "writeoffs":
        lines.append('sign = "negative_is_writeoff"')
    if dates:
        lines.append(f"date_format = {quoted(dates[0]) if len(dates) == 1 else _listed(dates)}")
    if made_of:
        lines += ["# No column numbers the postings: these together tell one from another, and the same ones must be exported each time.",
                  f"writeoff_id = {_listed(made_of)}"]  # fmt: skip
    if not form.is_plain:
        lines += ["", "[money]"]
        lines += [f"{name} = {quoted(text)}" for name, text in (("currency", form.currency), ("thousands", form.thousands)) if text]
        lines += [f"{name} = true" for name in ("parentheses", "trailing_minus") if getattr(form, name)]
    return lines


def _columns(table: Table, guesses: Sequence[Guess], own: Collection[str], missing: Sequence[str], ignored: Sequence[str]) -> list[str]:
    """Return the lines that say which column is which, and what is left."""
    lines = ["", "[columns]"]
    lines += [f"{quoted(guess.theirs)} = {quoted(guess.ours)}  # {guess.confidence * 100:.0f} %: {guess.why}" for guess in guesses]
    if missing:
        lines += ["", f"# Still missing, and needed: {', '.join(missing)}", '# "<your name>" = "' + missing[0] + '"']
    accounts = [guess.theirs for guess in guesses if guess.ours == "patient_id" and "account" in _words(guess.theirs)]
    if accounts and table.name == "writeoffs" and "claim_id" not in {guess.ours for guess in guesses}:
        lines += ["", "# No column names the claim, so that no row can be laid beside an 835. If this number is the one that goes out with"]
        lines += ["# claims and comes back as CLP01, it is the claim and not the patient:", f'# {quoted(accounts[0])} = "claim_id"']
    if table.name == "writeoffs" and "payer_type" not in {*own, *(guess.ours for guess in guesses)}:
        lines += [
            "",
            "# No column says of which kind a payer is, which decides time limits. Say it of the large ones:",
        ]
        lines += ["# [payer_types]", '# "<a payer>" = "medicare"  # docs/mapping.md lists the kinds']
    if ignored:
        lines += ["", f"# Ignored: {', '.join(quoted(name) for name in ignored)}"]
    return lines


def _own_words(table: Table, ours: Mapping[str, str], samples: Mapping[str, list[str]]) -> list[str]:
    """Return what to fill in for columns that hold words outside their list; never the words, which are values of the file."""
    lines = []
    for column in table.columns:
        cells = Cells(column)
        if column.allowed and any(isinstance(cells[text], Unlisted | Rule) for text in samples.get(ours.get(column.name, ""), [])):
            section = OWN_SECTION.get(column.name, f"words.{column.name}")
            lines += ["", f"# {quoted(ours[column.name])} holds words that are not known here. Say what each stands for:"]
            lines += [f"# [{section}]", f'# "<your word>" = "{column.allowed[0]}"  # one of {", ".join(column.allowed)}']
    return lines


def _in_own_words(table: Table, known: Collection[str], ignored: Mapping[str, list[str]]) -> list[str]:
    """Return what to fill in for columns that go by a usual name, and were left out because a word outside the list refuses its row."""
    lines = []
    for column in table.columns:
        if not column.allowed or column.name in known:
            continue
        for theirs, texts in ignored.items():
            if _likeness(_words(theirs), column.name)[0] < LIKELY or (len(texts) >= _FEW and len(set(texts)) * 2 > len(texts)):
                continue
            lines += ["", f"# {quoted(theirs)} looks like {column.name}, in words not known here. If it is, say what each stands for"]
            lines += [f"# and, in [columns], {quoted(theirs)} = {quoted(column.name)}", f"# [words.{column.name}]"]
            lines += [f'# "<your word>" = "{column.allowed[0]}"  # one of {", ".join(column.allowed)}']
    return lines


def _listed(texts: Iterable[str]) -> str:
    return f"[{', '.join(quoted(text) for text in texts)}]"


def quoted(text: str) -> str:
    """Return a TOML basic string; JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
