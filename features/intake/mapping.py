"""A practice's own column names, codes, payers and number forms, as a TOML file says them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from features.errors import Misconfigured, StorageFailed
from features.intake.adjustments import Adjustment, carc_word, is_composite, resolve, separated
from features.tables import GROUP_CODES, PAYER_TYPES, TABLES

Sign: TypeAlias = Literal["negative_is_writeoff", "positive_is_writeoff"]

_KEYS = ("columns", "writeoff_id", "adjustment_codes", "payers", "payer_types", "groups", "words", "sign", "date_format", "money")
_MONEY_KEYS = ("currency", "thousands", "parentheses", "trailing_minus")
_ADJUSTMENT_KEYS = ("group_code", "carc", "rarcs")
OWN_SECTION = {"payer_type": "payer_types", "group_code": "groups"}
"""Of columns that have a list: where their words stand, if not in `[words.<column>]`."""


@dataclass(frozen=True, slots=True, eq=False)
class MoneyForm:
    """How money is written where it is not plain digits.

    Parameters
    ----------
    currency
        A symbol that may stand before or behind; blank: none.
    thousands
        What may stand between groups of three digits; blank: nothing.
    parentheses
        True: (12.50) is -12.50.
    trailing_minus
        True: 12.50- is -12.50.
    """

    currency: str = ""
    thousands: str = ""
    parentheses: bool = False
    trailing_minus: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether only the form of DATA is read."""
        return not (self.currency or self.thousands or self.parentheses or self.trailing_minus)


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """What a mapping file says; an empty one changes nothing.

    Parameters
    ----------
    columns
        Their column name to ours (or to an `x_` name).
    writeoff_id
        Their columns that tell one posting from another, of which a file without ids of its own gets them (`features.intake.made_ids`).
    adjustment_codes
        Their adjustment code to the group, CARC and RARCs it stands for; these fill the row's columns where they are blank.
        The code itself stays.
    payers
        Their payer name to the payer_id wanted.
    payer_types
        Their word for a kind of payer, or a payer_id of which no column says it, to one of `PAYER_TYPES`; keys in lower case.
    groups
        Their group code to one of CO PR OA PI CR OTHER; keys in upper case.
    words
        Of a column that has a list, their words to those of the list; keys in lower case.
    sign
        How `writeoff_amount` is signed in the file; inside, a write-off is positive.
    date_formats
        strptime forms that dates may have beside ISO; the first that fits a date reads it.
    money
        How money is written.

    Examples
    --------
    >>> parse('sign = "negative_is_writeoff"\\n[columns]\\n"Claim #" = "claim_id"').columns
    {'Claim #': 'claim_id'}
    >>> parse('colums = 1')  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    features.errors.Misconfigured: mapping: unknown key colums; allowed: columns, writeoff_id, adjustment_codes, ...
    """

    columns: Map[str, str] = field(default_factory=dict)
    writeoff_id: tuple[str, ...] = ()
    adjustment_codes: Map[str, Adjustment] = field(default_factory=dict)
    payers: Map[str, str] = field(default_factory=dict)
    payer_types: Map[str, str] = field(default_factory=dict)
    groups: Map[str, str] = field(default_factory=dict)
    words: Map[str, Map[str, str]] = field(default_factory=dict)
    sign: Sign = "positive_is_writeoff"
    date_formats: tuple[str, ...] = ()
    money: MoneyForm = field(default_factory=MoneyForm)


def load(path: Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    Misconfigured
        When it says something unknown; the message names file, key and what is allowed.
    StorageFailed
        When it is not there or cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise StorageFailed.reading(path, error) from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{path}: a mapping is UTF-8; byte {error.start} is not") from error
    return parse(text, source=str(path))


def parse(text: str, *, source: str = "mapping") -> Mapping:
    """Read a mapping from TOML text; see `load`."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{source}: not TOML: {error}") from error
    _known(source, "", given, _KEYS)
    sign = given.get("sign", "positive_is_writeoff")
    if sign not in get_args(Sign):
        raise Misconfigured(f"{source}: sign is {sign!r}; allowed: {', '.join(get_args(Sign))}")
    columns = _columns(source, given)
    return Mapping(
        columns=columns,
        writeoff_id=_made_of(source, given.get("writeoff_id", []), columns),
        adjustment_codes={code: _adjustment(source, code, value) for code, value in _section(source, given, "adjustment_codes").items()},
        payers=_words(source, given, "payers"),
        payer_types=_payer_types(source, given),
        groups=_groups(source, given),
        words=_listed_words(source, given),
        sign=sign,
        date_formats=_date_formats(source, given.get("date_format", [])),
        money=_money(source, given),
    )


def _known(source: str, where: str, given: Map[str, object], allowed: tuple[str, ...]) -> None:
    unknown = [key for key in given if key not in allowed]
    if unknown:
        raise Misconfigured(f"{source}: {where}unknown key {', '.join(unknown)}; allowed: {', '.join(allowed)}")


def _section(source: str, given: Map[str, object], name: str, path: str = "") -> Map[str, object]:
    section = given.get(name, {})
    if not isinstance(section, dict):
        raise Misconfigured(f'{source}: {path or name} is a table of lines like "theirs" = "ours"')
    return section


def _words(source: str, given: Map[str, object], name: str, path: str = "") -> dict[str, str]:
    words = {}
    for theirs, ours in _section(source, given, name, path).items():
        if not isinstance(ours, str) or not ours.strip():
            raise Misconfigured(f"{source}: [{path or name}] {theirs!r}: a text in quotes is expected")
        words[theirs] = ours.strip()
    return words


def _columns(source: str, given: Map[str, object]) -> dict[str, str]:
    columns = _words(source, given, "columns")
    known = {name for table in TABLES.values() for name in table.names}
    taken: dict[str, str] = {}
    for theirs, ours in columns.items():
        if ours not in known and not ours.startswith("x_"):
            where = f"{source}: [columns] {theirs!r}"
            raise Misconfigured(f"{where}: no table has a column {ours!r}; allowed: those of docs/mapping.md, or x_<name>")
        if ours in taken:
            raise Misconfigured(f"{source}: [columns] {taken[ours]!r} and {theirs!r} are both {ours}; only one can be")
        taken[ours] = theirs
    return columns


def _payer_types(source: str, given: Map[str, object]) -> dict[str, str]:
    types = {theirs.strip().lower(): ours.lower() for theirs, ours in _words(source, given, "payer_types").items()}
    for theirs, ours in types.items():
        if ours not in PAYER_TYPES:
            raise Misconfigured(f"{source}: [payer_types] {theirs!r} is {ours!r}; allowed: {', '.join(PAYER_TYPES)}")
    return types


def _groups(source: str, given: Map[str, object]) -> dict[str, str]:
    groups = {theirs.upper(): ours.upper() for theirs, ours in _words(source, given, "groups").items()}
    for theirs, ours in groups.items():
        if ours not in GROUP_CODES:
            raise Misconfigured(f"{source}: [groups] {theirs!r} is {ours!r}; allowed: {', '.join(GROUP_CODES)}")
    return groups


def _listed_words(source: str, given: Map[str, object]) -> dict[str, dict[str, str]]:
    section = _section(source, given, "words")
    listed: dict[str, dict[str, None]] = {}
    for column in (column for table in TABLES.values() for column in table.columns if column.allowed and column.name not in OWN_SECTION):
        listed.setdefault(column.name, {}).update(dict.fromkeys(column.allowed))
    found: dict[str, dict[str, str]] = {}
    for name in section:
        if name not in listed:
            section_of = f"; its words have a section of their own, [{OWN_SECTION[name]}]" if name in OWN_SECTION else ""
            raise Misconfigured(
                f"{source}: [words.{name}]: no column of that name has a list{section_of}; allowed: {', '.join(sorted(listed))}"
            )
        found[name] = {theirs.strip().lower(): ours.lower() for theirs, ours in _words(source, section, name, f"words.{name}").items()}
        for theirs, ours in found[name].items():
            if ours not in listed[name]:
                raise Misconfigured(f"{source}: [words.{name}] {theirs!r} is {ours!r}; allowed: {', '.join(listed[name])}")
    return found


def _adjustment(source: str, code: str, value: object) -> Adjustment:
    where = f"[adjustment_codes] {code!r}: "
    if isinstance(value, str):
        value = {"carc": value}
    if not isinstance(value, dict) or not value:
        raise Misconfigured(f'{source}: {where}"CO-45", "45" or {{group_code = "CO", carc = "45", rarcs = "N30"}} is expected')
    _known(source, where, value, _ADJUSTMENT_KEYS)
    if not all(isinstance(word, str) and word.strip() for word in value.values()):
        raise Misconfigured(f"{source}: {where}texts in quotes are expected")
    group = value["group_code"].strip().upper() if "group_code" in value else None
    if group is not None and group not in GROUP_CODES:
        raise Misconfigured(f"{source}: {where}group_code is {group!r}; allowed: {', '.join(GROUP_CODES)}")
    carc = carc_word(value["carc"].strip()) if "carc" in value else None
    rarcs = separated(value["rarcs"]) if "rarcs" in value else None
    found = resolve(Adjustment(group, carc, rarcs))
    assert found.carc is None or not is_composite(found.carc)
    return found


def _made_of(source: str, given: object, columns: Map[str, str]) -> tuple[str, ...]:
    """Return the columns that ids are made of; a patient's number is none, since an id stands in addresses, logs and letters."""
    if not isinstance(given, list) or not all(isinstance(name, str) and name.strip() for name in given):
        raise Misconfigured(f'{source}: writeoff_id is {given!r}; a list of column names like ["Claim #", "Line", "Post Date"] is expected')
    ours = {theirs.strip().lower(): name for theirs, name in columns.items()}
    for name in given:
        plain = name.strip().lower()
        if ours.get(plain, plain) == "patient_id":
            raise Misconfigured(f"{source}: writeoff_id is made of {name!r}, which is the patient; ids stand where patients must not")
    return tuple(given)


def _date_formats(source: str, given: object) -> tuple[str, ...]:
    forms = [given] if isinstance(given, str) else given
    if not isinstance(forms, list) or not all(isinstance(form, str) for form in forms):
        raise Misconfigured(f'{source}: date_format is {given!r}; a form like "%m/%d/%Y" is expected, or a list of them')
    for form in forms:
        if form and not all(part in form for part in ("%d", "%m")) and "%b" not in form:
            raise Misconfigured(f'{source}: date_format is {form!r}; a form like "%m/%d/%Y" is expected')
    return tuple(form for form in forms if form)


def _money(source: str, given: Map[str, object]) -> MoneyForm:
    section = _section(source, given, "money")
    _known(source, "[money] ", section, _MONEY_KEYS)
    currency, thousands = section.get("currency", ""), section.get("thousands", "")
    parentheses, trailing_minus = section.get("parentheses", False), section.get("trailing_minus", False)
    are_flags = isinstance(parentheses, bool) and isinstance(trailing_minus, bool)
    if not isinstance(currency, str) or not isinstance(thousands, str) or not are_flags:
        raise Misconfigured(f"{source}: [money] currency and thousands are texts, parentheses and trailing_minus are true or false")
    if thousands not in ("", ",", " ", "'"):
        raise Misconfigured(f"{source}: [money] thousands is {thousands!r}; allowed: a comma, a space, an apostrophe, or nothing")
    return MoneyForm(currency, thousands, bool(parentheses), bool(trailing_minus))
