"""Real files in: what is read, rejected, remarked on and refused."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import BadData, ColumnsMissing, StorageFailed, TooManyRejects, UsageError
from features.intake.cells import latest_day
from features.intake.mapping import parse
from features.intake.pseudonyms import Pseudonyms
from features.intake.rejects import Rule, TooManyRowsRejected, write_rejects
from features.intake.table_file import read_table
from features.intake.table_read import TableRead
from features.money import NULL
from features.tables import CONTRACT_RATES, OUTCOMES, WRITEOFFS, Table
from features.vocabulary import Vocabulary

HEADER = "writeoff_id,writeoff_date,payer_id,writeoff_amount"
GOOD = "W{0},2024-01-05,AETNA,12.50"
LATEST = latest_day(date(2026, 11, 23))

Read = Callable[..., TableRead]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write text to a file and read it, any share of rejects allowed."""

    def run(text: str | bytes, table: Table = WRITEOFFS, name: str = "ledger.csv", **named: object) -> TableRead:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        named = {"most_rejected": None, "latest": LATEST} | named
        return read_table(path, table, vocabulary=Vocabulary(), **named)  # type: ignore[arg-type]

    return run


def rows(*lines: str, header: str = HEADER) -> str:
    return "\n".join((header, *lines)) + "\n"


def test_each_kind_is_stored_as_tables_says(read: Read) -> None:
    header = "writeoff_id,writeoff_date,payer_id,writeoff_amount,line_number,units,qmb,claim_id"
    batch = read(rows("W1,2024-01-05,AETNA,-12.5,2.0,1.5,Yes,C1", "W2,1990-01-01,CIGNA,,,,,", header=header)).batch
    assert batch.columns["writeoff_id"].tolist() == ["W1", "W2"]
    assert batch.columns["writeoff_date"].tolist() == [date(2024, 1, 5).toordinal() - 719163, 7305]
    assert batch.words("payer_id") == ["AETNA", "CIGNA"]
    assert batch.columns["writeoff_amount"].tolist() == [-1250, NULL]
    assert batch.columns["line_number"].tolist() == [2, NULL]
    np.testing.assert_array_equal(batch.columns["units"], [1.5, np.nan])
    assert batch.columns["qmb"].tolist() == [1, -1]
    assert batch.columns["claim_id"].tolist() == ["C1", None]
    assert list(batch.columns) == list(WRITEOFFS.names)
    assert all(values.dtype == column.kind.nulls(0).dtype for column in WRITEOFFS.columns for values in [batch.columns[column.name]])


@pytest.mark.parametrize(
    ("line", "column", "rule"),
    [
        ("W1,2024-01-05,AETNA,NaN", "writeoff_amount", Rule.NOT_AN_AMOUNT),
        ("W1,2024-01-05,AETNA,1e3", "writeoff_amount", Rule.NOT_AN_AMOUNT),
        ("W1,2024-01-05,AETNA,inf", "writeoff_amount", Rule.NOT_AN_AMOUNT),
        ("W1,2024-01-05,AETNA,+5.00", "writeoff_amount", Rule.NOT_AN_AMOUNT),
        ("W1,2024-01-05,AETNA,1.005", "writeoff_amount", Rule.NOT_AN_AMOUNT),
        ("W1,2024-01-05,AETNA,٣", "writeoff_amount", Rule.NOT_AN_AMOUNT),
        ('W1,2024-01-05,AETNA,"1,200.00"', "writeoff_amount", Rule.NOT_AN_AMOUNT),
        ("W1,2024-01-05,AETNA,$5", "writeoff_amount", Rule.NOT_AN_AMOUNT),
        ("W1,1899-12-31,AETNA,5", "writeoff_date", Rule.DATE_OUT_OF_RANGE),
        ("W1,1989-12-31,AETNA,5", "writeoff_date", Rule.DATE_OUT_OF_RANGE),
        ("W1,2031-11-24,AETNA,5", "writeoff_date", Rule.DATE_OUT_OF_RANGE),
        ("W1,01/05/2024,AETNA,5", "writeoff_date", Rule.NOT_A_DATE),
        ("W1,2024-02-30,AETNA,5", "writeoff_date", Rule.NOT_A_DATE),
        ("W1,2024-01-05T00:00:00,AETNA,5", "writeoff_date", Rule.NOT_A_DATE),
        ("W1,,AETNA,5", "writeoff_date", Rule.VALUE_MISSING),
        ("W1,2024-01-05, ,5", "payer_id", Rule.VALUE_MISSING),
        ("W1,2024-01-05,A\x00B,5", "payer_id", Rule.CONTROL_CHARACTER),
        ('W1,2024-01-05,"A\nB",5', "payer_id", Rule.CONTROL_CHARACTER),
        (f"W1,2024-01-05,{'x' * 201},5", "payer_id", Rule.TOO_LONG),
    ],
)
def test_a_bad_cell_rejects_its_row_and_no_other(read: Read, line: str, column: str, rule: Rule) -> None:
    result = read(rows(GOOD.format(0), line, GOOD.format(2)))
    assert [(r.row, r.id, r.column, r.rule) for r in result.rejects] == [(3, "W1", column, rule)]
    assert result.batch.columns["writeoff_id"].tolist() == ["W0", "W2"]
    assert result.row_numbers.tolist() == [2, 4]
    assert (result.rows_read, result.rows_rejected) == (3, 1)


@pytest.mark.parametrize("word", ["NA", "NaN", "null", "None", "n/a", "#N/A"])
def test_words_that_other_readers_take_for_null_are_text(read: Read, word: str) -> None:
    assert read(rows(f"{word},2024-01-05,{word},5")).batch.words("payer_id") == [word]


def test_rows_that_say_nothing_are_passed_over_and_numbered(read: Read) -> None:
    result = read(rows(GOOD.format(1), "", "W2,bad,AETNA,5", ",,,", "", ",", GOOD.format(5), *[",,,,"] * 90))
    assert [(r.row, r.rule) for r in result.rejects] == [(4, Rule.NOT_A_DATE)]
    assert result.row_numbers.tolist() == [2, 8] and result.rows_read == 3


def test_a_line_with_more_or_fewer_fields_is_a_reject_with_its_row(read: Read) -> None:
    result = read(rows(GOOD.format(1), "W2,2024-01-05", GOOD.format(3), "W4,2024-01-05,AETNA,5,more", GOOD.format(5)))
    assert [(r.row, r.rule) for r in result.rejects] == [(3, Rule.FIELD_COUNT), (5, Rule.FIELD_COUNT)]
    assert result.batch.columns["writeoff_id"].tolist() == ["W1", "W3", "W5"]
    assert result.row_numbers.tolist() == [2, 4, 6]
    assert result.rows_read == 5


def test_the_later_of_two_rows_with_one_key_is_rejected(read: Read) -> None:
    result = read(rows(GOOD.format(1), GOOD.format(2), GOOD.format(1)))
    assert [(r.row, r.id, r.rule) for r in result.rejects] == [(4, "W1", Rule.DUPLICATE_KEY)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Write-offs of May,,,\r\nprinted,,,\r\n{rows}", "row 1 is no header: 1 of its 4 columns has a name"),
        ("\r\n,,Amounts,\r\n{rows}", "row 2 is no header: 1 of its 4 columns has a name"),
        (",,,Amounts,,,Codes\r\n{rows}", "row 1 is no header: 2 of its 7 columns have a name"),
        ("sep=,\r\n{rows}", "row 1 tells a spreadsheet how columns are separated; delete that row"),
        ("PK\x03\x04{rows}", "an Excel workbook"),
        ("W1,2024-01-05,DOE JANE,12.50\nW2,2024-01-05,DOE JANE,12.50\n", "the first row must name the columns"),
        *(
            (f'W1,"{day}",DOE JANE,ACME\n', "the first row must name the columns")
            for day in ("2024-01-05 00:00:00", "2024-01-05T00:00:00Z", "1/5/24 12:00 AM", "Jan 5, 2024", "05-Jan-2024")
        ),
    ],
)
def test_what_stands_above_or_instead_of_the_header_is_told(read: Read, text: str, words: str) -> None:
    with pytest.raises(BadData, match=words) as caught:
        read(text.format(rows=rows(GOOD.format(1))))
    assert "DOE" not in str(caught.value)


def test_names_with_numbers_in_them_are_told(read: Read) -> None:
    with pytest.raises(ColumnsMissing, match="it has Paid 2024, 1st payer, FY2024 Q1, 835 file"):
        read("Paid 2024,1st payer,FY2024 Q1,835 file\n1,2,3,4\n")


def test_a_workbook_is_to_be_saved_as_csv(read: Read) -> None:
    with pytest.raises(UsageError, match="save each sheet that is wanted as CSV UTF-8"):
        read(b"PK\x03\x04", name="ledger.xlsx")


def test_blank_names_before_and_behind_the_header_are_passed_over(read: Read) -> None:
    result = read(rows("0,W1,2024-01-05,AETNA,12.50,,,,,,,", header=f",{HEADER},,,,,,,"))
    assert len(result.batch) == 1 and not result.rejects


def test_a_spreadsheets_count_of_days_is_told_from_other_texts(read: Read) -> None:
    lines = ["W1,45296,AETNA,1", "W2,45296.5,AETNA,1", "W3,202401,AETNA,1", "W4,12345,AETNA,1"]
    found = [(reject.id, reject.rule) for reject in read(rows(*lines)).rejects]
    assert found == [("W1", Rule.DAY_COUNT), ("W2", Rule.DAY_COUNT), ("W3", Rule.NOT_A_DATE), ("W4", Rule.NOT_A_DATE)]


def test_ids_that_a_spreadsheet_cut_short_are_counted(read: Read) -> None:
    header = f"{HEADER},claim_id,payer_claim_number"
    lines = ["1.23457E+11,2024-01-05,AETNA,1,C1,1E5", "1.23458E+11,2024-01-05,AETNA,1,2E+15,9.9E+02", '"1,2E+11",2024-01-05,AETNA,1,,XE+11']
    result = read(rows(*lines, header=header))
    found = {(issue.code, issue.column): issue for issue in result.issues}
    assert {key: issue.count for key, issue in found.items()} == {
        ("digits_lost", "writeoff_id"): 3, ("digits_lost", "claim_id"): 1, ("digits_lost", "payer_claim_number"): 1,
    }  # fmt: skip
    assert not any("23457" in issue.message or issue.values for issue in found.values())


def test_rows_that_look_the_same_because_digits_were_lost_say_so(read: Read) -> None:
    line = "1.23457E+11,2024-01-05,AETNA,1"
    with pytest.raises(TooManyRowsRejected, match="duplicate_key .* lost digits in a spreadsheet"):
        read(rows(line, line), most_rejected=0.05)


def test_a_rejected_row_does_not_take_the_key(read: Read) -> None:
    result = read(rows("W1,2024-01-05,AETNA,bad", GOOD.format(1)))
    assert [r.rule for r in result.rejects] == [Rule.NOT_AN_AMOUNT]
    assert len(result.batch) == 1


def test_writeoffs_of_zero_are_counted_and_left_out(read: Read) -> None:
    result = read(rows("W1,2024-01-05,AETNA,0.00", "W2,2024-01-05,AETNA,-0", GOOD.format(3)))
    assert (len(result.batch), result.zero_amounts, result.rejects) == (1, 2, [])


def test_words_of_rejected_rows_do_not_enter_the_vocabulary(read: Read) -> None:
    result = read(rows("W1,2024-01-05,GARBAGE,bad", "W2,2024-01-05,CIGNA,5", "W3,2024-01-05,AETNA,5"))
    assert result.batch.vocabulary.as_dict() == {"payer_id": ["CIGNA", "AETNA"]}


def test_missing_columns_are_named_with_what_is_there(read: Read) -> None:
    with pytest.raises(
        ColumnsMissing, match=r"ledger.csv: table writeoffs lacks writeoff_date, payer_id; it has writeoff_id, payer;"
    ) as error:
        read("writeoff_id,payer\nW1,A\n")
    assert error.value.exit_code == 65


def test_more_than_five_percent_rejected_ends_the_run_and_says_why(read: Read) -> None:
    lines = [GOOD.format(i) for i in range(18)] + ["W98,2024-01-05,SECRET NAME,secret", "W99,1899-01-01,AETNA,5"]
    with pytest.raises(TooManyRejects) as error:
        read(rows(*lines), most_rejected=0.05)
    assert str(error.value).endswith(
        "ledger.csv: table writeoffs: 2 of 20 rows rejected, 5 % may be; most often: "
        "writeoff_amount not_an_amount (1, first in row 20); writeoff_date date_out_of_range (1, first in row 21)"
    )
    assert error.value.exit_code == 65
    assert isinstance(error.value, TooManyRowsRejected)
    assert [reject.row for reject in error.value.rejects] == [20, 21]


def test_exactly_five_percent_may_be_rejected(read: Read) -> None:
    assert read(rows(*(GOOD.format(i) for i in range(19)), "W99,x,AETNA,5"), most_rejected=0.05).rows_rejected == 1


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", " , \n"])
def test_an_empty_file_is_refused(read: Read, text: str) -> None:
    with pytest.raises(BadData, match=r"ledger.csv: the file is empty"):
        read(text)


def test_a_header_alone_is_no_ledger_but_may_be_outcomes(read: Read) -> None:
    with pytest.raises(BadData, match="table writeoffs has no rows"):
        read(rows())
    assert len(read(rows(), allow_empty=True).batch) == 0
    assert len(read("writeoff_id,worked_date,status\n", OUTCOMES).batch) == 0
    assert len(read("writeoff_id,worked_date,status", OUTCOMES).batch) == 0


def test_bytes_that_are_not_utf8_are_named_by_place(read: Read) -> None:
    text = rows(GOOD.format(1)).encode()
    with pytest.raises(BadData, match=f"ledger.csv: not UTF-8 at byte {len(text) + 1};"):
        read(text + b"W\xff,2024-01-05,AETNA,5\n")


def test_bytes_that_are_not_utf8_are_found_behind_the_first_blocks(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    good = rows(*(GOOD.format(i) for i in range(60_000))).encode()
    path.write_bytes(good + b"W\xe9,2024-01-05,AETNA,5\n")
    with pytest.raises(BadData, match=f"not UTF-8 at byte {len(good) + 1};"):
        read_table(path, WRITEOFFS, vocabulary=Vocabulary())


def test_excel_s_utf8_is_read_mark_quotes_and_line_ends_included(read: Read) -> None:
    batch = read('\ufeff"writeoff_id","writeoff_date",payer_id,writeoff_amount\r\n"W1","2024-01-05","Smith, ""Sons"" & Co","5"\r\n').batch
    assert batch.words("payer_id") == ['Smith, "Sons" & Co']


def test_text_is_trimmed_and_composed(read: Read) -> None:
    batch = read(rows("  W1 ,2024-01-05,\u00a0Cafe\u0301 ,5")).batch
    assert (batch.columns["writeoff_id"].tolist(), batch.words("payer_id")) == (["W1"], ["Café"])


def test_unknown_columns_are_named_once_and_own_columns_kept(read: Read) -> None:
    result = read(rows("W1,2024-01-05,AETNA,5,red,7,", header=HEADER + ",colour,x_score,X_Flag"))
    assert [(i.code, i.values) for i in result.issues] == [("unknown_column", ("colour",))]
    assert {name: values.tolist() for name, values in result.batch.extras.items()} == {"x_score": ["7"], "x_Flag": [None]}


def test_two_columns_of_one_name_are_refused(read: Read) -> None:
    with pytest.raises(BadData, match="columns 'payer_id' and 'Payer_ID' are both payer_id"):
        read(rows("W1,2024-01-05,A,5,B", header=HEADER + ",Payer_ID"))


def test_values_outside_a_list_are_kept_and_named_once(read: Read) -> None:
    result = read(rows("W1,2024-01-05,A,5,HMO,in", "W2,2024-01-05,A,5,hmo,IN", "W3,2024-01-05,A,5,BCBS,maybe",
                       header=HEADER + ",payer_type,network_status"))  # fmt: skip
    assert result.rejects == []
    assert result.batch.words("payer_type") == ["HMO", "hmo", "bcbs"]
    assert result.batch.words("network_status") == ["in", "in", "maybe"]
    assert [(i.column, i.count, i.values) for i in result.issues] == [("payer_type", 2, ("HMO", "hmo")), ("network_status", 1, ("maybe",))]


def test_strict_columns_reject(read: Read) -> None:
    result = read(rows("W1,2024-01-05,A,5,Reversal", "W2,2024-01-05,A,5,void", header=HEADER + ",posting_kind"))
    assert result.batch.words("posting_kind") == ["reversal"]
    assert [(r.column, r.rule) for r in result.rejects] == [("posting_kind", Rule.NOT_LISTED)]


def test_reasons_are_put_in_their_columns(read: Read) -> None:
    header = HEADER + ",group_code,carc,rarcs"
    lines = [
        "W1,2024-01-05,A,5,,CO-045,n30",
        "W2,2024-01-05,A,5,pr,MA04,M12;MA04",
        "W3,2024-01-05,A,5,MA,b07,",
        "W4,2024-01-05,A,5,PI,CO45,",
    ]
    result = read(rows(*lines, header=header))
    assert result.batch.words("group_code") == ["CO", "PR", "OTHER", "PI"]
    assert result.batch.words("carc") == ["45", None, "B7", "45"]
    assert result.batch.words("rarcs") == ["N30", "M12 MA04", None, None]
    assert [(i.column, i.values) for i in result.issues] == [("group_code", ("MA",))]


def test_a_remark_code_finds_its_column_though_the_file_lacks_it(read: Read) -> None:
    batch = read(rows("W1,2024-01-05,A,5,N30", header=HEADER + ",carc")).batch
    assert (batch.words("carc"), batch.words("rarcs"), batch.words("group_code")) == ([None], ["N30"], [None])


def test_codes_are_upper_case_and_modifiers_split(read: Read) -> None:
    batch = read(rows('W1,2024-01-05,A,5,g0008,"lt, 59"', header=HEADER + ",procedure_code,modifiers")).batch
    assert (batch.words("procedure_code"), batch.words("modifiers")) == (["G0008"], ["LT 59"])


def test_days_after_the_posting_are_kept_and_counted(read: Read) -> None:
    result = read(rows("W1,2024-01-05,A,5,2024-01-06", "W2,2024-01-05,A,5,", header=HEADER + ",service_date"))
    assert len(result.batch) == 2
    assert [i.message for i in result.issues] == ["service_date is after writeoff_date in 1 rows; kept"]


def test_patients_become_hashes_or_nothing(read: Read) -> None:
    text = rows("W1,2024-01-05,A,5,MRN7", "W2,2024-01-05,A,5,pt_0123456789abcdef", "W3,2024-01-05,A,5,", header=HEADER + ",patient_id")
    names = Pseudonyms(b"k" * 32)
    assert read(text, identity=names).batch.columns["patient_id"].tolist() == [names.of("MRN7"), "pt_0123456789abcdef", None]
    without = read(text)
    assert without.batch.columns["patient_id"].tolist() == [None, "pt_0123456789abcdef", None]
    assert [(i.code, i.count) for i in without.issues] == [("patient_id_dropped", 1)]
    assert "nothing here needs it" in without.issues[0].message


MAPPING = """
sign = "negative_is_writeoff"
date_format = "%m/%d/%Y"
[money]
currency = "$"
thousands = ","
parentheses = true
[columns]
"Trans #" = "writeoff_id"
"Post Date" = "writeoff_date"
Payer = "payer_id"
Amt = "writeoff_amount"
Code = "adjustment_code"
[payers]
"Aetna PPO" = "AETNA"
[adjustment_codes]
TF = "CO-29"
"""


def test_a_mapping_names_columns_and_turns_signs(read: Read) -> None:
    lines = ['1,1/31/2024,Aetna PPO,"($1,234.50)",TF', "2,2024-01-31,X,-$3,", "3,01/31/2024,X,7.00,"]
    result = read(rows(*lines, header="Trans #,Post Date,payer,Amt,Code"), mapping=parse(MAPPING))
    assert result.rejects == []
    assert result.batch.columns["writeoff_amount"].tolist() == [123450, 300, -700]
    assert result.batch.words("payer_id") == ["AETNA", "X", "X"]
    assert (result.batch.words("carc"), result.batch.words("group_code")) == (["29", None, None], ["CO", None, None])
    assert result.batch.words("adjustment_code") == ["TF", None, None]


def test_money_may_stand_in_a_spreadsheets_accounting_form(read: Read) -> None:
    texts = ["$(200.00)", " $ (1,200.00) ", "$ -   ", "-", "($5.00)", "-$5", "$-5", "(-5)", "--5", "-$-5", "$"]
    lines = [f'{number},2024-01-31,X,9,"{text}"' for number, text in enumerate(texts)]
    result = read(rows(*lines, header="Trans #,Post Date,payer,Amt,paid_amount"), mapping=parse(MAPPING), most_rejected=None)
    assert result.batch.columns["paid_amount"].tolist() == [-20000, -120000, 0, 0, -500, -500, -500]
    assert [reject.id for reject in result.rejects] == ["7", "8", "9", "10"]


def test_a_number_may_have_all_digits_that_a_float_is_written_with(read: Read) -> None:
    # As Arrow writes a small chance, which `queue load` must read again.
    result = read(rows("W1,2024-01-05,A,5,0.000045316776188217694", header=HEADER + ",units"))
    assert result.batch.columns["units"].tolist() == [0.000045316776188217694]


OUTCOME_HEADER = "writeoff_id,worked_date,status,resolved_date,recovered_amount,taken_back_amount"


def test_outcomes_are_completed_rejected_and_remarked_on(read: Read) -> None:
    lines = [
        "W1,2024-01-05,recovered,2024-02-01,,",
        "W2,2024-01-05,Denied,2024-02-01,,",
        "W3,2024-01-05,pending,,,",
        "W4,2024-01-05,recovered,2024-01-01,10.00,11.00",
        "W5,2024-01-05,denied,,5,",
        "W6,2024-01-05,lost,,,",
        "W7,2024-01-05,settled,2024-02-01,,",
        "W8,2024-01-05,recovered,2024-02-01,-1,",
    ]
    result = read(rows(*lines, header=OUTCOME_HEADER), OUTCOMES)
    assert [(r.id, r.column, r.rule) for r in result.rejects] == [
        ("W1", "recovered_amount", Rule.AMOUNT_MISSING),
        ("W6", "status", Rule.NOT_LISTED),
        ("W8", "recovered_amount", Rule.BELOW_MINIMUM),
    ]
    assert result.batch.columns["recovered_amount"].tolist() == [0, NULL, 1000, 500, NULL]
    assert [(i.code, i.count) for i in result.issues] == [
        ("resolved_before_worked", 1),
        ("resolved_without_date", 1),
        ("denied_with_amount", 1),
        ("taken_back_more", 1),
    ]


def test_efforts_without_an_id_are_told_apart_by_what_was_done(read: Read) -> None:
    header = "writeoff_id,effort_id,worked_date,status,action"
    lines = [
        "W1,,2024-01-05,denied,appeal",
        "W1,,2024-03-05,denied,appeal",
        "W1,,2024-03-05,denied,appeal",
        "W1,E1,2024-03-05,denied,appeal",
        "W1,E1,2024-04-05,denied,none",
    ]
    result = read(rows(*lines, header=header), OUTCOMES)
    assert [(r.row, r.rule) for r in result.rejects] == [(4, Rule.DUPLICATE_KEY), (6, Rule.DUPLICATE_KEY)]


@pytest.mark.parametrize(
    ("chance", "is_good"), [("1", True), ("0.03", True), ("3e-05", True), ("", True), ("0", False), ("1.01", False), ("nan", False)]
)
def test_a_selection_probability_is_above_0_and_at_most_1(read: Read, chance: str, is_good: bool) -> None:
    result = read(rows(f"W1,2024-01-05,denied,{chance}", header="writeoff_id,worked_date,status,selection_probability"), OUTCOMES)
    assert (result.rejects == []) is is_good


def test_spans_of_one_contract_term_may_not_overlap(read: Read) -> None:
    header = "contract_id,payer_id,procedure_code,method,value,effective_from,effective_to"
    lines = [
        "C1,A,99213,fee_schedule,80,2023-01-01,2023-12-31",
        "C1,A,99213,fee_schedule,85,2024-01-01,",
        "C1,A,99213,fee_schedule,90,2025-01-01,",
        "C1,A,99214,fee_schedule,90,,",
    ]
    result = read(rows(*lines, header=header), CONTRACT_RATES)
    assert [(r.row, r.id, r.column, r.rule) for r in result.rejects] == [(4, "", "effective_from", Rule.SPAN_OVERLAPS)]


def test_rejects_name_ids_and_no_other_value(read: Read, tmp_path: Path) -> None:
    result = read(rows("W1,2024-01-05,AETNA,secret", "W2,short", "=W3,x,AETNA,5"))
    write_rejects(tmp_path / "out.rejects.csv", result.rejects)
    assert (tmp_path / "out.rejects.csv").read_text() == (
        "row,id,column,rule\n2,W1,writeoff_amount,not_an_amount\n3,,,field_count\n4,'=W3,writeoff_date,not_a_date\n"
    )


def test_packed_streamed_and_plain_files_read_alike(read: Read, tmp_path: Path) -> None:
    text = rows(GOOD.format(1), GOOD.format(2)).encode()
    plain = read(text).batch.columns
    packed = read(gzip.compress(text), name="ledger.csv.gz").batch.columns
    piped = read_table(Path("-"), WRITEOFFS, vocabulary=Vocabulary(), stdin=io.BytesIO(text)).batch.columns
    sent = read_table(io.BytesIO(text), WRITEOFFS, vocabulary=Vocabulary()).batch.columns
    for other in (packed, piped, sent):
        for name, values in plain.items():
            np.testing.assert_array_equal(values, other[name])


def test_a_torn_gzip_file_is_bad_data(read: Read) -> None:
    packed = gzip.compress(rows(*(GOOD.format(i) for i in range(1000))).encode())
    with pytest.raises(BadData, match="not a whole gzip file"):
        read(packed[: len(packed) // 2], name="ledger.csv.gz")
    with pytest.raises(BadData, match="not a whole gzip file"):
        read(b"plain text", name="ledger.csv.gz")


def test_what_is_not_there_or_not_a_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match=r"none.csv: cannot be read: No such file"):
        read_table(tmp_path / "none.csv", WRITEOFFS, vocabulary=Vocabulary())
    with pytest.raises(StorageFailed):
        read_table(tmp_path / "none.parquet", WRITEOFFS, vocabulary=Vocabulary())
    with pytest.raises(UsageError, match=r"a table is a .csv, .csv.gz or .parquet file"):
        read_table(tmp_path / "ledger.xlsx", WRITEOFFS, vocabulary=Vocabulary())
    with pytest.raises(BadData, match=r"no .parquet file in this folder"):
        read_table(tmp_path, WRITEOFFS, vocabulary=Vocabulary())
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(BadData, match="not a whole Parquet file"):
        read_table(tmp_path / "bad.parquet", WRITEOFFS, vocabulary=Vocabulary())


def test_a_quote_left_open_over_the_rest_of_a_big_file_is_an_error_not_a_loss(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(rows('"W0,2024-01-05,AETNA,5', *(GOOD.format(i) for i in range(400_000))))
    with pytest.raises(BadData, match="quote left open"):
        read_table(path, WRITEOFFS, vocabulary=Vocabulary())


def test_a_quote_left_open_in_a_small_file_is_an_error_too(read: Read) -> None:
    with pytest.raises(BadData, match=r"ledger.csv, row 3: a quote is left open"):
        read(rows(GOOD.format(1), 'W2,"2024-01-05,AETNA,5', *(GOOD.format(i) for i in range(3, 50))))


def test_rows_of_strangers_may_be_limited(read: Read) -> None:
    text = rows(*(GOOD.format(i) for i in range(3)))
    assert len(read(text, most_rows=3).batch) == 3
    with pytest.raises(BadData, match="more than 2 rows"):
        read(text, most_rows=2)


def test_progress_is_told_each_block(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(rows(*(GOOD.format(i) for i in range(400_000))))
    told: list[int] = []
    result = read_table(path, WRITEOFFS, vocabulary=Vocabulary(), progress=told.append)
    assert (sum(told), len(result.batch)) == (400_000, 400_000)
    assert len(told) > 1


def parquet(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def ledger_columns(rows: int) -> dict[str, pa.Array]:
    return {
        "writeoff_id": pa.array([f"W{i}" for i in range(rows)]),
        "writeoff_date": pa.array([date(2024, 1, 5)] * rows),
        "payer_id": pa.array(["AETNA"] * rows),
    }


@pytest.mark.parametrize(
    "amounts",
    [
        pa.array([12.5, None, -0.07, 1e9 + 0.01]),
        pa.array([12.5, None, -0.07, 1e9 + 0.01]).cast(pa.decimal128(20, 2)),
        pa.array([12.5, None, -0.07, 1e9 + 0.01]).cast(pa.decimal128(20, 2)).cast(pa.decimal128(24, 6)),
        pa.array(["12.5", None, "-0.07", "1000000000.01"]),
        pa.array(["12.5", None, "-0.07", "1000000000.01"]).dictionary_encode(),
        pa.array(["12.5", "", "-0.07", "1000000000.01"], pa.large_string()),
        pa.array([12.5000000001, None, -0.0699999999, 1e9 + 0.01]),
    ],
    ids=lambda array: str(array.type),
)
def test_money_of_every_parquet_type_is_exact_cents(tmp_path: Path, amounts: pa.Array) -> None:
    path = parquet(tmp_path / "ledger.parquet", **ledger_columns(4), writeoff_amount=amounts)
    assert read_table(path, WRITEOFFS, vocabulary=Vocabulary()).batch.columns["writeoff_amount"].tolist() == [1250, NULL, -7, 100000000001]


def test_floats_that_are_no_cents_are_rejected(tmp_path: Path) -> None:
    amounts = pa.array([1.005, float("nan"), float("inf"), 1e300, 2.0])
    path = parquet(tmp_path / "ledger.parquet", **ledger_columns(5), writeoff_amount=amounts)
    result = read_table(path, WRITEOFFS, vocabulary=Vocabulary(), most_rejected=None)
    assert [(r.row, r.rule) for r in result.rejects] == [(row, Rule.NOT_AN_AMOUNT) for row in (1, 2, 3, 4)]


def test_parquet_types_are_read_as_their_text(tmp_path: Path) -> None:
    columns = ledger_columns(2) | {
        "writeoff_id": pa.array([101, 102]),
        "writeoff_date": pa.array([date(2024, 1, 5), date(2024, 1, 6)]).cast(pa.timestamp("us")),
        "line_number": pa.array([1.0, None]),
        "carc": pa.array([45.0, None]),
        "claim_id": pa.array([7.0, None]),
        "qmb": pa.array([True, None]),
        "units": pa.array([2, None]),
        "payer_type": pa.array(["bcbs", None]).dictionary_encode(),
        "x_flag": pa.array([True, False]),
        "x_half": pa.array([0.5, None]),
    }
    result = read_table(parquet(tmp_path / "ledger.parquet", **columns), WRITEOFFS, vocabulary=Vocabulary())
    batch = result.batch
    assert result.rejects == []
    assert batch.columns["writeoff_id"].tolist() == ["101", "102"]
    assert np.diff(batch.columns["writeoff_date"]).tolist() == [1]
    assert (batch.words("carc"), batch.columns["claim_id"].tolist(), batch.words("payer_type")) == (
        ["45", None],
        ["7", None],
        ["bcbs", None],
    )
    assert (batch.columns["line_number"][0], batch.columns["qmb"].tolist(), batch.columns["units"][0]) == (1, [1, -1], 2.0)
    assert {name: values.tolist() for name, values in batch.extras.items()} == {"x_flag": ["true", "false"], "x_half": ["0.5", None]}


def test_the_time_of_day_is_dropped_from_a_typed_day_and_kept_elsewhere(tmp_path: Path) -> None:
    at = pa.array([np.datetime64("2024-01-05T23:30", "us")])
    columns = ledger_columns(1) | {"writeoff_date": at, "x_seen": at}
    batch = read_table(parquet(tmp_path / "ledger.parquet", **columns), WRITEOFFS, vocabulary=Vocabulary()).batch
    assert batch.columns["writeoff_date"].astype("datetime64[D]").tolist() == [date(2024, 1, 5)]
    assert batch.extras["x_seen"].tolist() == ["2024-01-05T23:30:00.000000"]


def test_a_parquet_column_that_stands_twice_is_named(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["W1"]), pa.array(["45"]), pa.array(["50"])], names=["writeoff_id", "carc", "carc"])
    pq.write_table(table, tmp_path / "twice.parquet")
    with pytest.raises(BadData, match=r"twice\.parquet: column carc stands there more than once; leave one of them"):
        read_table(tmp_path / "twice.parquet", WRITEOFFS, vocabulary=Vocabulary())


def test_lists_have_no_text(tmp_path: Path) -> None:
    columns = ledger_columns(1) | {"rarcs": pa.array([["N30"]])}
    with pytest.raises(BadData, match=r"column rarcs: values of type list<.*> cannot be read"):
        read_table(parquet(tmp_path / "ledger.parquet", **columns), WRITEOFFS, vocabulary=Vocabulary())


def test_a_folder_of_parquet_is_one_table_whose_files_may_differ(tmp_path: Path) -> None:
    parquet(tmp_path / "a.parquet", **ledger_columns(2), writeoff_amount=pa.array([1.0, 2.0]))
    parquet(tmp_path / "b.parquet", **(ledger_columns(1) | {"writeoff_id": pa.array(["W9"])}), carc=pa.array(["45"]))
    (tmp_path / "_SUCCESS").write_text("")
    batch = read_table(tmp_path, WRITEOFFS, vocabulary=Vocabulary()).batch
    assert batch.columns["writeoff_id"].tolist() == ["W0", "W1", "W9"]
    assert batch.columns["writeoff_amount"].tolist() == [100, 200, NULL]
    assert batch.words("carc") == [None, None, "45"]


def test_codes_go_on_where_the_vocabulary_ends(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(rows("W1,2024-01-05,CIGNA,5", "W2,2024-01-05,AETNA,5"))
    known = Vocabulary({"payer_id": ["AETNA"]})
    layer = known.overlay()
    assert read_table(path, WRITEOFFS, vocabulary=layer).batch.columns["payer_id"].tolist() == [1, 0]
    assert known.size("payer_id") == 1


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_a_file_with_another_separator_is_told_so(mark: str, name: str) -> None:
    text = mark.join(("writeoff_id", "writeoff_date", "payer_id")) + "\n"
    with pytest.raises(BadData, match=f"the header is one column with {name} in it; save the file with commas"):
        read_table(io.BytesIO(text.encode()), WRITEOFFS, vocabulary=Vocabulary())


def test_a_minus_may_stand_behind_where_the_mapping_says_so(read: Read) -> None:
    texts = ["200.00-", "$1,200.00-", "5-", "-5", "-", "-5-", "(5)-", "5--", "5.00 -"]
    lines = [f'{number},2024-01-31,X,9,"{text}"' for number, text in enumerate(texts)]
    mapping = parse(MAPPING.replace("parentheses = true", "parentheses = true\ntrailing_minus = true"))
    result = read(rows(*lines, header="Trans #,Post Date,payer,Amt,paid_amount"), mapping=mapping)
    assert result.batch.columns["paid_amount"].tolist() == [-20000, -120000, -500, -500, 0, -500]
    assert [reject.row for reject in result.rejects] == [7, 8, 9]
    assert not len(read(rows("W1,2024-01-05,AETNA,12.50-")).batch)
