"""Many rows say what each would say alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.codes import Codes
from features.codes.combinations import Combinations, distinct
from features.codes.meaning import read_meaning
from features.codes.reducers import reducers
from features.codes.words import Words
from features.tables import PAYER_TYPES
from tests.spec.writeoffs import writeoffs

CODES = Codes.load()


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 200_000), st.integers(-1, 50)), min_size=1, max_size=200))
def test_rows_share_a_place_where_their_codes_are_equal(rows: list[tuple[int, int, int]]) -> None:
    first, place = distinct([np.array(column) for column in zip(*rows, strict=True)])
    assert [rows[i] for i in first[place]] == rows
    assert len({rows[i] for i in first}) == len(first)


def test_long_and_short_tables_give_the_same_answers() -> None:
    combinations: Combinations[tuple[int]] = Combinations(("carc",), lambda words: (len(words[0] or ""),))
    rows = [{"carc": carc} for carc in ("4", "16", None, "197")] * 50
    assert combinations.gather(writeoffs(*rows)).tolist() == [[1, 2, 0, 3] * 50]
    assert combinations.gather(writeoffs(*rows[:3])).tolist() == [[1, 2, 0]]


word = st.sampled_from(["SMALL BAL", "CO45", "PR-1", "no_auth", "xyz", "CONTRACT", "Timely", "BADDEBT 2", "DENIED", "=contract", ""])
remarks = st.lists(st.sampled_from([*CODES.rarcs, "ZZ1", "n130"]), max_size=3).map(" ".join)


@given(
    st.builds(
        Words,
        group_code=st.sampled_from(["CO", "PR", "OA", "PI", "CR", "MA", None]),
        carc=st.sampled_from([*CODES.carcs, "ZZ9", "CO-45", "045", "M127", "WO", None]),
        rarcs=remarks | st.none(),
        payer_type=st.sampled_from([*PAYER_TYPES, "else", None]),
        claim_type=st.sampled_from(["professional", "institutional", None]),
        filing_indicator=st.sampled_from(["MA", "MB", "CI", None]),
        claim_status=st.sampled_from(["1", "4", "19", "22", "25", "99", None]),
        posting_kind=st.sampled_from(["writeoff", "reversal", "transfer", "conversion", None]),
        adjustment_code=word | st.none(),
        account_status=st.sampled_from(["open", "bankruptcy", "deceased", None]),
    )
)
def test_a_reduced_word_means_the_same(words: Words) -> None:
    by = reducers(CODES)
    reduced = [by[name](value) if value is not None and name in by else value for name, value in words._asdict().items()]
    assert read_meaning(Words(*reduced), CODES) == read_meaning(words, CODES)
