"""Mapping files: what they say, and what they refuse."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from features.errors import Misconfigured, StorageFailed
from features.intake.adjustments import Adjustment
from features.intake.cut import cut
from features.intake.mapping import load, parse
from features.intake.proposal import propose
from features.intake.rejects import Reject, Rule
from features.intake.table_file import read_table
from features.tables import OUTCOMES, WRITEOFFS
from features.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[columns", "mapping: not TOML"),
        ("colums = 1", "unknown key colums; allowed: columns,"),
        ('sign = "credit"', "sign is 'credit'; allowed: negative_is_writeoff, positive_is_writeoff"),
        ('[columns]\n"A" = "payer"', "[columns] 'A': no table has a column 'payer'"),
        ('[columns]\n"A" = "payer_id"\n"B" = "payer_id"', "[columns] 'A' and 'B' are both payer_id"),
        ('[columns]\n"A" = 3', "[columns] 'A': a text in quotes is expected"),
        ("columns = 3", "columns is a table of lines"),
        ('[groups]\nMA = "MA"', "[groups] 'MA' is 'MA'; allowed: CO, PR, OA, PI, CR, OTHER"),
        ("[adjustment_codes]\nTF = 29", "[adjustment_codes] 'TF': \"CO-45\""),
        ("[adjustment_codes]\nTF = {carcs = '29'}", "[adjustment_codes] 'TF': unknown key carcs; allowed: group_code, carc, rarcs"),
        ("[adjustment_codes]\nTF = {group_code = 'MA'}", "[adjustment_codes] 'TF': group_code is 'MA'"),
        ("[adjustment_codes]\nTF = {carc = 29}", "[adjustment_codes] 'TF': texts in quotes are expected"),
        ('date_format = "MM/DD/YYYY"', "date_format is 'MM/DD/YYYY'; a form like"),
        ('[payer_types]\nMCR = "medcare"', "[payer_types] 'mcr' is 'medcare'; allowed: medicare, medicare_advantage,"),
        ('[words.status]\nPaid = "won"', "[words.status] 'paid' is 'won'; allowed: recovered, partially_recovered, denied"),
        ("[words.status]\nPaid = 1", "[words.status] 'Paid': a text in quotes is expected"),
        ("[words]\nstatus = 1", "words.status is a table of lines"),
        ('[words.payer_type]\nMCR = "medicare"', "its words have a section of their own, [payer_types]; allowed: account_status, action, "),
        ('[words.carc]\nTF = "29"', "[words.carc]: no column of that name has a list; allowed: account_status, action, "),
        ('date_format = ["%m/%d/%Y", "DD"]', "date_format is 'DD'; a form like"),
        ("date_format = 3", "date_format is 3; a form like"),
        ('writeoff_id = "Voucher"', "writeoff_id is 'Voucher'; a list of column names like"),
        ('writeoff_id = ["Chart"]\n[columns]\nchart = "patient_id"', "writeoff_id is made of 'Chart', which is the patient"),
        ('writeoff_id = ["Patient_ID"]', "writeoff_id is made of 'Patient_ID', which is the patient"),
        ("[money]\ncurency = '$'", "[money] unknown key curency; allowed: currency, thousands, parentheses"),
        ("[money]\nthousands = '.'", "[money] thousands is '.'"),
        ("[money]\nparentheses = 1", "[money] currency and thousands are texts"),
    ],
)
def test_what_a_mapping_cannot_say_is_named(text: str, message: str) -> None:
    with pytest.raises(Misconfigured, match=re.escape(message)) as error:
        parse(text)
    assert error.value.exit_code == 78


def test_adjustment_codes_may_be_short_or_long() -> None:
    mapping = parse('[adjustment_codes]\nA = "CO-45"\nB = "045"\nC = "N30"\nD = {group_code = "pr", carc = "3", rarcs = "n1,n2"}\n')
    assert mapping.adjustment_codes == {
        "A": Adjustment("CO", "45", None),
        "B": Adjustment(None, "45", None),
        "C": Adjustment(None, None, "N30"),
        "D": Adjustment("PR", "3", "N1 N2"),
    }


def test_a_file_is_named_in_messages(tmp_path: Path) -> None:
    path = tmp_path / "practice.toml"
    with pytest.raises(StorageFailed, match=r"practice.toml: cannot be read: No such file or directory"):
        load(path)
    path.write_bytes(b"# caf\xe9")
    with pytest.raises(Misconfigured, match=r"practice.toml: a mapping is UTF-8; byte 5 is not"):
        load(path)
    path.write_text("\ufeff[columns]\nPayer = 'payer_id'\n", encoding="utf-8")
    assert load(path).columns == {"Payer": "payer_id"}
    path.write_text("x = 1")
    with pytest.raises(Misconfigured, match=r"practice.toml: unknown key x"):
        load(path)


HEADERS = [
    ("Claim #", "claim_id"),
    ("Trans ID", "writeoff_id"),
    ("Payer Name", "payer_id"),
    ("Write Off Date", "writeoff_date"),
    ("Write-Off Amt", "writeoff_amount"),
    ("DOS", "service_date"),
    ("CPT", "procedure_code"),
    ("Mod", "modifiers"),
    ("Reason Code", "carc"),
    ("Remark Codes", "rarcs"),
    ("Adj Group", "group_code"),
    ("Adj Code", "adjustment_code"),
    ("Charges", "billed_amount"),
    ("Allowed", "allowed_amount"),
    ("Ins Paid", "paid_amount"),
    ("Rendering NPI", "provider_id"),
    ("DX 1", "diagnosis_code"),
    ("MRN", "patient_id"),
    ("Financial Class", "payer_type"),
    ("POS", "place_of_service"),
    ("Posted By", "posted_by"),
]


def test_usual_export_names_are_recognised() -> None:
    proposal = propose([theirs for theirs, _ in HEADERS], [], WRITEOFFS)
    found = {guess.theirs: guess.ours for guess in proposal.guesses}
    # Posted By differs from posted_by by case and space only, but is not the same name.
    assert found == dict(HEADERS)
    assert (proposal.missing, proposal.ignored) == ((), ())


def test_what_is_missing_and_ignored_is_said() -> None:
    proposal = propose(["Payer", "Shoe Size", "carc"], [], WRITEOFFS)
    assert proposal.missing == ("writeoff_id", "writeoff_date")
    assert proposal.ignored == ("Shoe Size",)
    assert "# Still missing, and needed: writeoff_id, writeoff_date" in proposal.toml
    assert proposal.mapping.columns == {"Payer": "payer_id"}


def test_of_two_columns_the_one_that_reads_wins() -> None:
    proposal = propose(["Adjustment", "Adj Amt", "Trans ID"], [["contractual", "12.50", "1"]], WRITEOFFS)
    assert {guess.theirs: guess.ours for guess in proposal.guesses}["Adj Amt"] == "writeoff_amount"


def test_a_proposal_never_holds_a_value() -> None:
    proposal = propose(["Patient Name", "Payer"], [["JANE DOE", "AETNA"]], WRITEOFFS)
    assert "JANE" not in proposal.toml and "AETNA" not in proposal.toml


@pytest.mark.parametrize("name", ['say "no"', "back\\slash", "new\nline", "é", "\x7f", "\U0001f600", "#"])
def test_odd_names_still_give_toml(name: str) -> None:
    assert propose([name, name + " Payer"], [], WRITEOFFS).mapping is not None


def test_a_proposed_mapping_reads_the_file_it_was_made_for(tmp_path: Path) -> None:
    header = ["Trans ID", "Post Date", "Payer Name", "Adj Amt", "DOS", "Reason Code"]
    lines = [["1", "01/31/2024", "Aetna", "(1,200.50)", "12/01/2023", "CO-45"], ["2", "02/28/2024", "Cigna", "(7.00)", "1/2/2024", "N30"]]
    path = tmp_path / "export.csv"
    path.write_text("\n".join(",".join(f'"{cell}"' for cell in line) for line in [header, *lines]) + "\n")
    proposal = propose(header, lines, WRITEOFFS)
    assert proposal.missing == ()
    result = read_table(path, WRITEOFFS, vocabulary=Vocabulary(), mapping=proposal.mapping)
    assert result.rejects == []
    assert result.batch.columns["writeoff_amount"].tolist() == [120050, 700]
    assert result.batch.words("carc") == ["45", None]


def test_dates_may_be_written_in_several_ways(tmp_path: Path) -> None:
    header = ["Trans ID", "Post Date", "Payer", "Adj Amt", "DOS", "Denial Date"]
    lines = [["1", "01/31/2024 09:15", "A", "1", "12/01/23", "2024-01-02"], ["2", "02/28/2024 00:00", "A", "1", "1/2/24", ""]]
    proposal = propose(header, lines, WRITEOFFS)
    assert proposal.mapping.date_formats == ("%m/%d/%y", "%m/%d/%Y %H:%M")
    path = tmp_path / "export.csv"
    path.write_text("\n".join(map(",".join, [header, *lines])) + "\n")
    columns = read_table(path, WRITEOFFS, vocabulary=Vocabulary(), mapping=proposal.mapping).batch.columns
    days = {name: columns[name].astype("datetime64[D]").astype(str).tolist() for name in ("writeoff_date", "service_date")}
    assert days == {"writeoff_date": ["2024-01-31", "2024-02-28"], "service_date": ["2023-12-01", "2024-01-02"]}


def test_a_column_whose_dates_read_in_two_ways_is_read_as_the_others_are() -> None:
    header, rows = (
        ["Trans ID", "Post Date", "DOS", "Payer"],
        [["1", "25.01.2024", "01.02.2024", "A"], ["2", "26.01.2024", "02.02.2024", "A"]],
    )
    assert propose(header, rows, WRITEOFFS).mapping.date_formats == ("%d.%m.%Y",)


UNNUMBERED = """Voucher #,Line,Chart,Post Date,Payer,Adj Amt,Reason Code
V 7,1,M1,01/31/2024,Aetna,12.50,CO-45
V 7,1,M1,01/31/2024,Aetna,-12.50,CO-45
V 7,2,M1,01/31/2024,Aetna,12.50,CO-45
V 7,2,M1,01/31/2024,Aetna,12.50,CO-45
V 8,,M2,02/28/2024,Cigna,3.00,N30
"""


def test_an_export_without_ids_of_its_postings_gets_them_of_what_tells_them_apart(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(UNNUMBERED)
    header, *rows = ([*line.split(",")] for line in UNNUMBERED.splitlines())
    proposal = propose(header, rows, WRITEOFFS)
    assert proposal.missing == ()
    assert proposal.made_of == ("Voucher #", "Line", "Post Date", "Reason Code", "Adj Amt")
    read = read_table(path, WRITEOFFS, vocabulary=Vocabulary(), mapping=proposal.mapping, most_rejected=None)
    made = ["V-7-1-01-31-2024-CO-45-12.50", "V-7-1-01-31-2024-CO-45--12.50", "V-7-2-01-31-2024-CO-45-12.50", "V-8--02-28-2024-N30-3.00"]
    assert read.batch.columns["writeoff_id"].tolist() == made
    assert read.rejects == [Reject(5, made[2], "writeoff_id", Rule.DUPLICATE_KEY)], "what nothing tells apart is named, not lost"

    parquet = tmp_path / "export.parquet"
    pq.write_table(pa.csv.read_csv(path), parquet)
    narrow = parse(proposal.toml.replace(', "Post Date", "Reason Code", "Adj Amt"]', ', "Reason Code"]'))
    typed = read_table(parquet, WRITEOFFS, vocabulary=Vocabulary(), mapping=narrow, most_rejected=None)
    assert typed.batch.columns["writeoff_id"].tolist() == ["V-7-1-CO-45", "V-7-2-CO-45", "V-8--N30"]

    done, parts = cut(path, WRITEOFFS, tmp_path, mapping=proposal.mapping)
    ledger = done.gather(parts, WRITEOFFS, Vocabulary(), mapping=proposal.mapping, latest=None)
    assert ledger.columns["writeoff_id"].tolist() == made, "a ledger that is scored in parts has the same ids"


def test_an_id_is_made_only_where_none_is_and_of_columns_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("WriteOff_ID,writeoff_date,payer_id\nW1,2024-01-05,A\n")
    mapping = parse('writeoff_id = ["Voucher", "payer_id"]')
    assert read_table(path, WRITEOFFS, vocabulary=Vocabulary(), mapping=mapping).batch.columns["writeoff_id"].tolist() == ["W1"]
    path.write_text("writeoff_date,payer_id\n2024-01-05,A\n")
    with pytest.raises(Misconfigured, match="makes writeoff_id of Voucher, payer_id; the file has no Voucher"):
        read_table(path, WRITEOFFS, vocabulary=Vocabulary(), mapping=mapping)


def test_kinds_of_payers_are_said_by_their_words_or_by_the_payers_themselves(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    mapping = parse(
        '[payers]\n"AARP MCR" = "AARP"\n[payer_types]\nMCR = "medicare"\naarp = "medicare_advantage"\n"Self Pay" = "self_pay"\n'
    )
    path.write_text(
        "writeoff_id,writeoff_date,payer_id,payer_type\nW1,2024-01-05,Novitas,mcr\nW2,2024-01-05,AARP MCR,\nW3,2024-01-05,SELF PAY,\n"
        "W4,2024-01-05,Aetna,\nW5,2024-01-05,Self Pay,Tricare\n"
    )
    read = read_table(path, WRITEOFFS, vocabulary=Vocabulary(), mapping=mapping)
    assert read.batch.words("payer_type") == ["medicare", "medicare_advantage", "self_pay", None, "tricare"]
    path.write_text("writeoff_id,writeoff_date,payer_id\nW1,2024-01-05,Self Pay\n")
    assert read_table(path, WRITEOFFS, vocabulary=Vocabulary(), mapping=mapping).batch.words("payer_type") == ["self_pay"]


def test_words_of_a_list_may_be_the_practices_own(tmp_path: Path) -> None:
    path = tmp_path / "efforts.csv"
    mapping = parse('[words.status]\nPaid = "recovered"\n" lost "= "Denied"\n[words.action]\nLetter = "appeal"\n')
    path.write_text(
        "writeoff_id,worked_date,status,action,recovered_amount,resolved_date\nW1,2024-01-05,PAID,letter,5,2024-02-01\n"
        "W2,2024-01-05,Lost,Fax,,2024-02-01\nW3,2024-01-05,pending,,,\nW4,2024-01-05,won,,,\n"
    )
    read = read_table(path, OUTCOMES, vocabulary=Vocabulary(), mapping=mapping, most_rejected=None)
    assert read.batch.words("status") == ["recovered", "denied", "pending"]
    assert read.batch.words("action") == ["appeal", "other", None]
    assert [(reject.id, reject.column) for reject in read.rejects] == [("W4", "status")]


def test_a_proposal_asks_for_the_practices_own_words_and_shows_none() -> None:
    header = ["Trans ID", "Appeal Date", "Outcome"]
    proposal = propose(header, [["1", "2024-01-05", "Paid in full"], ["2", "2024-01-05", "denied"]], OUTCOMES)
    assert proposal.missing == () and "Paid" not in proposal.toml
    assert '# "Outcome" holds words that are not known here. Say what each stands for:\n# [words.status]\n' in proposal.toml
    known = propose(header, [["2", "2024-01-05", "denied"]], OUTCOMES)
    assert "[words" not in known.toml
    kinds = propose([*header, "posting_kind"], [["2", "2024-01-05", "denied", "Adj"]], WRITEOFFS)
    assert "# [words.posting_kind]" in kinds.toml


def test_outcomes_are_proposed_too() -> None:
    proposal = propose(["Trans ID", "Appeal Date", "Outcome", "Amount Recovered", "Closed Date"], [], OUTCOMES)
    found = {guess.theirs: guess.ours for guess in proposal.guesses}
    assert found == {
        "Trans ID": "writeoff_id",
        "Appeal Date": "worked_date",
        "Outcome": "status",
        "Amount Recovered": "recovered_amount",
        "Closed Date": "resolved_date",
    }


def test_the_page_on_mappings_shows_a_mapping_that_loads_and_every_column() -> None:
    page = (Path(__file__).parents[3] / "docs" / "mapping.md").read_text(encoding="utf-8")
    shown = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert shown
    for text in shown:
        parse(text)
    for key in (
        "columns",
        "writeoff_id",
        "adjustment_codes",
        "payers",
        "payer_types",
        "groups",
        "sign",
        "date_format",
        "money",
        "words.COLUMN",
    ):
        assert f"`{key}`" in page or f"`[{key}]`" in page


def test_what_comes_again_is_an_action_and_what_never_does_numbers_the_efforts() -> None:
    header = ["Trans ID", "Activity Number", "Activity Kind", "Work Start", "Outcome"]
    rows = [[f"T{i}", f"A{i}", ("Letter", "Call", "Records")[i % 3], "2024-01-05", "denied"] for i in range(30)]
    found = {guess.theirs: guess.ours for guess in propose(header, rows, OUTCOMES).guesses}
    assert (found["Activity Number"], found["Activity Kind"], found["Work Start"]) == ("effort_id", "action", "worked_date")


def test_amounts_with_a_currency_may_have_thousands_further_down(tmp_path: Path) -> None:
    header = ["Trans ID", "Work Start", "Outcome", "Amount Recovered"]
    proposal = propose(header, [["1", "2024-01-05", "recovered", "$180.52"]], OUTCOMES)
    path = tmp_path / "efforts.csv"
    path.write_text(",".join(header) + '\n2,2024-01-06,recovered,"$1,180.52"\n')
    read = read_table(path, OUTCOMES, vocabulary=Vocabulary(), mapping=proposal.mapping)
    assert read.batch.columns["recovered_amount"].tolist() == [118_052]


def test_minuses_behind_amounts_are_proposed_with_their_sign() -> None:
    proposal = propose(["Trans ID", "Adj Amt"], [["1", "$1,200.00-"], ["2", "35.00-"], ["3", "5.00"]], WRITEOFFS)
    form = proposal.mapping.money
    assert (form.currency, form.thousands, form.parentheses, form.trailing_minus) == ("$", ",", False, True)
    assert proposal.mapping.sign == "negative_is_writeoff"
