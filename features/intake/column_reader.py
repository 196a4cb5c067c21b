"""One column of a file as an array: canonical text by whole blocks, everything else once per distinct text."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.intake.cells import Cells, Unlisted, Value
from features.intake.issues import LOST_DIGITS
from features.intake.mapping import Mapping
from features.intake.rejects import Rule
from features.intake.texts import texts_of
from features.intake.typed import plain_values
from features.money import NULL, PATTERN
from features.tables import Array, Column, Kind
from features.vocabulary import Vocabulary

TOLD_APART = ("writeoff_id", "claim_id")
"""Columns of ids that are asked for as texts again and again, to tell rows apart."""

_MONEY = f"^{PATTERN}$"
_WHOLE = "^-?[0-9]{1,15}$"


class ColumnReader:
    """Gathers the blocks of one column.

    What a text stands for is said by `Cells` alone. This class only asks it less often: amounts and whole numbers of the plain form and
    clean ASCII ids are taken by whole blocks, and of all others each distinct text is asked once a block. Text columns get codes of this
    reading first; they enter the vocabulary in `encode`, when it is known which rows are accepted.

    Parameters
    ----------
    column
        What is read.
    mapping
        The practice's own forms.
    escaped
        True for CSV; see `Cells`.
    latest
        The last day that is a date, in days since 1970-01-01; None: any.
    is_kept
        False: ids are held to their rules and read as null where they keep them, for who has no use for them.

    Attributes
    ----------
    values, texts_held
        Once finished: the column as it is stored, and, of `TOLD_APART`, the texts that it came as, where each stands for itself.
    digits_lost
        How many ids a spreadsheet has cut short, rejected rows included.
    """

    def __init__(self, column: Column, mapping: Mapping | None, *, escaped: bool, latest: int | None, is_kept: bool = True) -> None:
        self._is_kept = is_kept
        self.column = column
        self.broken: list[tuple[NDArray[np.int64], Rule]] = []
        self.values: Array = column.kind.nulls(0)
        self.texts_held: pa.Array | None = None
        self.digits_lost = 0
        self._cells = Cells(column, mapping, escaped=escaped)
        self._latest = latest
        self._escaped = escaped
        self._is_plain_money = column.kind is Kind.MONEY and _is_plain(column, mapping)
        self._parts: list[Array] = []
        self._clean: list[pa.Array] = []
        self._rows = 0
        self._words: list[str] = []
        self._codes: dict[tuple[str, str | None], int] = {}

    def add(self, array: pa.Array | None, rows: int, where: str = "") -> None:
        """Take the next block, of text or typed; None where the file lacks the column. `where` is for errors."""
        self._parts.append(self.column.kind.nulls(rows) if array is None else self._read(array, where))
        self._rows += rows

    def _read(self, array: pa.Array, where: str) -> Array:
        kind = self.column.kind
        if pa.types.is_dictionary(array.type) and kind is Kind.TEXT and _is_plain_dictionary(array):
            return self._add_distinct(array)
        if (self._is_plain_money or kind is not Kind.MONEY) and (plain := plain_values(array, self.column, self._latest)) is not None:
            return plain
        texts = texts_of(array, kind, where)
        if self._is_plain_money:
            return self._add_money(texts)
        if kind is Kind.ID:
            self.digits_lost += _count_lost(texts)
        if kind is Kind.INT and (whole := _whole_numbers(texts, self.column)) is not None:
            return whole
        if kind is Kind.ID and _is_clean(texts, self.column.longest, self._escaped):
            if not self._is_kept:
                return kind.nulls(len(texts))
            if self.column.name in TOLD_APART:
                self._clean.append(texts)
            return _shared(texts)
        return self._add_distinct(texts)

    def texts(self, array: pa.Array, where: str) -> pa.Array:
        """Return the canonical texts of a column of ids without keeping them; null where a rule is broken."""
        texts = texts_of(array, self.column.kind, where)
        if _is_clean(texts, self.column.longest, self._escaped):
            return texts
        coded = texts.dictionary_encode()
        known = [self._ask(text) for text in coded.dictionary.to_pylist()]
        return pa.array([value if isinstance(value, str) else None for value in known], pa.string()).take(coded.indices)

    def finish(self) -> None:
        """Put the blocks together, and find missing values."""
        self.values = np.concatenate(self._parts) if self._parts else self.column.kind.nulls(0)
        if sum(map(len, self._clean)) == len(self.values) > 0:
            self.texts_held = pa.concat_arrays(self._clean)
        self._parts, self._clean = [], []
        if not self.column.nullable:
            is_missing = self.is_null()
            for rows, _ in self.broken:
                is_missing[rows] = False
            if is_missing.any():
                self.broken.append((np.flatnonzero(is_missing), Rule.VALUE_MISSING))

    def is_null(self) -> NDArray[np.bool_]:
        """Tell which values are null."""
        if self.texts_held is not None:
            return np.asarray(self.texts_held.is_null())
        return is_null(self.values, self.column.kind)

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Let go of the values of all other rows."""
        self.values = self.values[rows]
        if self.texts_held is not None:
            self.texts_held = self.texts_held.filter(pa.array(rows))

    def word(self, code: int) -> str | None:
        """Return the word of a code of this reading."""
        return None if code < 0 else self._words[code]

    def code(self, word: str | None) -> int:
        """Return a word's code of this reading, giving it one if it is new; -1 for None."""
        if word is None:
            return -1
        key = (str(word), word.raw if isinstance(word, Unlisted) else None)
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self._words)
            self._words.append(word)
        return code

    def words(self) -> list[str]:
        """Return the words by code of this reading."""
        return self._words

    def unlisted(self) -> Counter[str]:
        """Count the rows of each word outside the column's list."""
        outside = [(code, word.raw) for code, word in enumerate(self._words) if isinstance(word, Unlisted)]
        if not outside:
            return Counter()
        counts = np.bincount(self.values[self.values >= 0], minlength=len(self._words))
        found: Counter[str] = Counter()
        for code, raw in outside:
            found[raw] += int(counts[code])
        return +found

    def encode(self, vocabulary: Vocabulary) -> NDArray[np.int32]:
        """Return the vocabulary's codes; new words enter it in the order of their first row."""
        codes = self.values
        known = np.array([vocabulary.find(self.column.name, str(word)) for word in self._words] + [-1], dtype=np.int32)
        if known[:-1].min(initial=0) >= 0:
            return known[codes]
        first = np.full(len(self._words), len(codes), dtype=np.int64)
        kept = np.flatnonzero(codes >= 0)[::-1]
        first[codes[kept]] = kept  # of equal places the last written stays, which is the first row
        final = np.full(len(self._words) + 1, -1, dtype=np.int32)
        used = np.flatnonzero(first < len(codes))
        order = used[np.argsort(first[used], kind="stable")]
        final[order] = vocabulary.encode(self.column.name, [str(self._words[code]) for code in order])
        coded: NDArray[np.int32] = final[codes]
        return coded

    def _add_money(self, texts: pa.Array) -> Array:
        is_amount = pc.match_substring_regex(texts, _MONEY)
        is_plain = pc.all(is_amount).as_py() is not False
        plain = texts if is_plain else pc.if_else(is_amount, texts, None)
        cents = _cents(plain)
        if not is_plain:
            others = np.flatnonzero(np.asarray(pc.equal(pc.fill_null(is_amount, True), False)))
            cents[others] = self._add_distinct(texts.take(pa.array(others)), others)
        if self.column.minimum is not None:
            below = np.flatnonzero((cents < self.column.minimum * 100) & (cents != NULL))
            self._break(below, Rule.BELOW_MINIMUM)
            cents[below] = NULL
        return cents

    def _add_distinct(self, texts: pa.Array, places: NDArray[np.int64] | None = None) -> Array:
        """Return the values of texts, coded or not, each distinct one asked for once; `places` are their rows in the block."""
        coded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
        found = [self._ask(text) for text in coded.dictionary.to_pylist()]
        rules = np.array([isinstance(value, Rule) for value in found] + [False])
        stored = self._stored([None if isinstance(value, Rule) else value for value in found])
        indices = np.asarray(coded.indices.fill_null(len(found)))
        if rules.any():
            for place in np.flatnonzero(rules):
                rows = np.flatnonzero(indices == place)
                rule = found[place]
                assert isinstance(rule, Rule)
                self._break(rows if places is None else places[rows], rule)
        gathered: Array = stored[indices]
        return gathered

    def _ask(self, text: str) -> Value | Rule:
        value = self._cells[text]
        if self._latest is not None and self.column.kind is Kind.DATE and isinstance(value, int) and value > self._latest:
            return Rule.DATE_OUT_OF_RANGE
        return value

    def _stored(self, values: list[Any]) -> Array:
        """Return values as the column stores them, and a null behind the last."""
        stored = self.column.kind.nulls(len(values) + 1)
        for place, value in enumerate(values):
            if value is not None:
                stored[place] = self.code(value) if self.column.kind is Kind.TEXT else value
        return stored

    def _break(self, rows: NDArray[np.int64], rule: Rule) -> None:
        if len(rows):
            self.broken.append((rows + self._rows, rule))


_FIRST = 256


def _shared(texts: pa.Array) -> Array:
    """Return texts as objects, those of a block that are equal as one object: claims, batches and files stand on many rows.

    >>> one, two = _shared(pa.array(["claim", None, "claim"]))[[0, 2]]
    >>> one is two
    True
    """
    first = texts.slice(0, _FIRST)
    if len(first.unique()) == len(first):
        # Names of rows: to look for equal ones costs several times as much as an object for each.
        alone: Array = texts.to_numpy(zero_copy_only=False)
        return alone
    coded = texts.dictionary_encode()
    words = np.empty(len(coded.dictionary) + 1, dtype=object)
    words[:-1] = coded.dictionary.to_numpy(zero_copy_only=False)
    shared: Array = words[np.asarray(coded.indices.fill_null(len(words) - 1))]
    return shared


def _is_plain_dictionary(array: pa.Array) -> bool:
    """Tell whether codes of texts can be taken as they are: not many more words than rows, none of them null."""
    words = array.dictionary
    return pa.types.is_string(words.type) and words.null_count == 0 and len(words) <= max(len(array), 16)


def is_null(values: Array, kind: Kind) -> NDArray[np.bool_]:
    """Tell which stored values are null."""
    found: NDArray[np.bool_]
    if kind is Kind.ID:
        found = np.array([value is None for value in values.tolist()], dtype=bool)
    elif kind is Kind.NUMBER:
        found = np.isnan(values)
    else:
        found = values == NULL if values.dtype == np.int64 else values < 0
    return found


def _count_lost(texts: pa.Array) -> int:
    """Return how many ids are written as a power of ten."""
    # Hardly an id has a plus in it, which is seen in a fraction of the time that a pattern takes.
    if not (_bytes_of(texts)[1] == 0x2B).any():
        return 0
    return int(pc.sum(pc.match_substring_regex(texts, LOST_DIGITS)).as_py() or 0)


def _is_plain(column: Column, mapping: Mapping | None) -> bool:
    if mapping is None:
        return True
    is_flipped = column.name == "writeoff_amount" and mapping.sign == "negative_is_writeoff"
    return mapping.money.is_plain and not is_flipped


def _cents(texts: pa.Array) -> NDArray[np.int64]:
    """Return amounts of the plain form as cents: the lower half of an exact decimal is its integer."""
    decimals = texts.cast(pa.decimal128(17, 2))
    halves = np.frombuffer(decimals.buffers()[1], dtype=np.int64)
    cents: NDArray[np.int64] = halves[2 * decimals.offset : 2 * (decimals.offset + len(decimals)) : 2].copy()
    if decimals.null_count:
        cents[np.asarray(decimals.is_null())] = NULL
    return cents


def _whole_numbers(texts: pa.Array, column: Column) -> Array | None:
    """Return whole numbers of the plain form, or None where a text has another or its number asks for a closer look."""
    if pc.all(pc.match_substring_regex(texts, _WHOLE)).as_py() is False:
        return None
    return plain_values(texts.cast(pa.int64()), column, None)


def _bytes_of(texts: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Return where each text starts, the end of the last behind them, and the bytes of all."""
    _, starts_buffer, data = texts.buffers()
    starts = np.frombuffer(starts_buffer, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if len(starts) < 2 or starts[0] == starts[-1]:
        return np.zeros(1, dtype=np.int32), np.empty(0, dtype=np.uint8)
    return starts - starts[0], np.frombuffer(data, dtype=np.uint8)[starts[0] : starts[-1]]


def _is_clean(texts: pa.Array, longest: int, escaped: bool) -> bool:
    """Tell whether all texts are printable ASCII, not too long, with nothing to trim or unescape: each stands for itself."""
    starts, used = _bytes_of(texts)
    if not len(used):
        return bool(texts.null_count == len(texts))
    if used.min() < 0x20 or used.max() > 0x7E:
        return False
    lengths = np.diff(starts)
    if lengths.max() > longest or bool((np.asarray(texts.is_valid()) & (lengths == 0)).any()):
        return False
    filled = lengths > 0
    first, last = used[starts[:-1][filled]], used[starts[1:][filled] - 1]
    return not (bool((first == 0x20).any()) or bool((last == 0x20).any()) or (escaped and bool((first == 0x27).any())))
