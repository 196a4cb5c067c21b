"""What stands in a packet: the row's figures, sentences that trace to fields, and nothing that a guard forbids."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from benchmarks.packets import cases_of, files_faults, packets_of
from features.codes import FAMILIES, Codes
from features.errors import BadData, UsageError
from features.guards import BIT
from features.tables import PAYER_TYPES, REMEDIES
from serving.packet import KIND_OF, KINDS, Case, Forbidden, Packet, kind_of, write_packet
from serving.packet.case import Code, Due, Stage
from serving.packet.document import TO_COMPLETE, Facts, Listing, Paragraph, Signature, Table
from serving.packet.fields import NAMES, read_fields, sources_of
from serving.packet.pdf import to_pdf
from serving.packet.people import Identity, Party, Practice
from serving.packet.proof import faults, strange_figures
from serving.packet.texts import ASIDE, LISTS, parse_texts, read_texts
from serving.packet.word import to_docx
from tests.serving.packet.cases import REMEDY_OF_KIND, a_case, docx_text, guards, moved, one_of_each_kind, pdf_text, project, read_ledger


def text_of(packet: Packet) -> str:
    return "\n".join(packet.letter.texts())


def somebody(patient_id: str, payer_id: str) -> Identity:
    return Identity("Ada Example", date(1950, 2, 3), "MEM-1", "GRP-2")


def test_every_remedy_has_a_kind_but_those_without_a_packet() -> None:
    assert set(REMEDIES) - set(KIND_OF) == {"patient_billing", "none"}
    assert set(KINDS) == set(REMEDY_OF_KIND)


@pytest.mark.parametrize("kind", KINDS)
def test_every_sentence_of_a_kind_names_a_field(kind: str) -> None:
    texts = read_texts(kind)
    for section, entries in texts.sections.items():
        for entry in entries:
            for say in entry.say:
                if section in (*LISTS, *ASIDE):
                    continue
                assert "{" in say or entry.conditions.get("needs"), f"{section}: {say}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_packet_of_each_kind_has_no_fault(kind: str) -> None:
    case = a_case(kind)
    packet = write_packet(case)
    assert packet.kind == kind
    assert faults(packet, [case]) == []
    assert "C100" in text_of(packet)


def test_the_proof_finds_a_figure_that_is_not_the_rows() -> None:
    case = a_case()
    other = replace(case, row=replace(case.row, writeoff_amount=288_91, remit_date=date(2026, 3, 8)), remits=())
    assert "letter" not in faults(write_packet(case), [case])
    assert any("figure" in fault for fault in faults(write_packet(case), [other]))
    assert strange_figures("$288.90 on March 7, 2026 and 03/07/2026, $288.92", [case]) == ["$288.92"]


def test_the_proof_finds_a_placeholder_that_was_left() -> None:
    case = a_case(rarcs=None)
    letter = write_packet(case).letter
    broken = replace(letter, title="Appeal of {{ claim }}")
    packet = replace(write_packet(case), letter=broken)
    assert "appeal: a placeholder is unfilled" in faults(packet, [case])


def test_every_sentence_rests_on_columns() -> None:
    for case in one_of_each_kind().values():
        packet = write_packet(case)
        traced = [sentence for document in (packet.letter, packet.worksheet) for sentence in document.trace()]
        assert traced
        for sentence in traced:
            assert sentence.fields, sentence.text
            assert sources_of(sentence.fields)


def test_a_sentence_is_not_said_without_its_fields() -> None:
    known = text_of(write_packet(a_case()))
    assert "32 days later" in known and "Proof that the claim was received in time is on file" in known
    bare = text_of(write_packet(a_case(submitted_date=None, timely_proof_on_file=None)))
    assert "days later" not in bare and "is on file" not in bare


def test_a_row_with_nothing_but_its_id_still_makes_a_packet() -> None:
    (case,) = read_ledger([{"writeoff_id": "W9", "payer_id": "P1", "writeoff_date": "2026-05-01", "group_code": "CO", "carc": "29"}])
    packet = write_packet(case)
    assert faults(packet, [case]) == []
    assert "$" not in text_of(packet)


def test_without_identity_one_block_is_marked_and_the_packet_is_incomplete() -> None:
    packet = write_packet(a_case())
    (section,) = [section for section in packet.letter.sections if section.name == "patient"]
    (block,) = section.blocks
    assert isinstance(block, Facts) and block.marked
    assert [fact.value for fact in block.rows] == [TO_COMPLETE] * 3
    assert packet.status == "incomplete"


def test_with_identity_the_letter_is_complete() -> None:
    packet = write_packet(a_case(), identities=somebody)
    assert packet.status == "complete" and packet.missing == ()
    assert TO_COMPLETE not in text_of(packet)
    assert "Ada Example" in text_of(packet) and "02/03/1950" in text_of(packet)
    # The worksheet needs no name.
    assert "Ada" not in "\n".join(packet.worksheet.texts())


def test_no_traceback_tells_who_the_patient_is() -> None:
    assert "Ada" not in repr(write_packet(a_case(), identities=somebody)) + repr(somebody("", ""))


def test_an_identity_is_asked_once_for_each_patient() -> None:
    asked: list[tuple[str, str]] = []

    def ask(patient_id: str, payer_id: str) -> None:
        asked.append((patient_id, payer_id))

    case = a_case()
    write_packet([case, replace(case, row=replace(case.row, writeoff_id="W2", line_number=3))], identities=ask)
    assert asked == [("pt_00112233445566aa", "P7")]


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("restriction.self_pay", "appeal"),
        ("restriction.self_pay", "corrected_claim"),
        ("part2.consent", "records_list"),
        ("standing.waiver", "appeal"),
        ("standing.member_consent", "appeal"),
        ("overpayment.netting", "appeal"),
    ],
)
def test_a_guard_forbids_a_packet_and_is_cited(rule: str, kind: str) -> None:
    case = a_case(kind, guards=guards(BIT[rule]))
    (told,) = case.guards
    with pytest.raises(Forbidden) as refused:
        write_packet(case)
    assert refused.value.rules == (rule,)
    assert told.citation in str(refused.value)
    # One of many forbids the project too.
    with pytest.raises(Forbidden):
        write_packet([a_case(kind, writeoff_id="W0"), case])


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("patient.qmb", "appeal"),
        ("overpayment.netting", "refund"),
        ("standing.waiver", "corrected_claim"),
        ("standing.tricare_network", "underpayment"),
    ],
)
def test_a_guard_of_another_act_forbids_nothing(rule: str, kind: str) -> None:
    assert kind_of(a_case(kind, guards=guards(BIT[rule]))) == kind


def test_a_question_is_on_the_worksheet_and_forbids_nothing() -> None:
    packet = write_packet(a_case(guards=guards(0, BIT["part2.consent"])))
    assert "42 CFR Part 2" in "\n".join(packet.worksheet.texts())


def test_the_patient_is_never_billed_for_what_the_provider_carries() -> None:
    assert "Never: bill the patient for this amount" in "\n".join(write_packet(a_case()).worksheet.texts())
    assert "bill the patient" not in "\n".join(write_packet(a_case(group_code="PR")).worksheet.texts())


def test_real_guards_reach_the_packet() -> None:
    row = {
        "writeoff_id": "W1",
        "payer_id": "P1",
        "writeoff_date": "2026-05-01",
        "group_code": "CO",
        "carc": "29",
        "payer_type": "commercial",
    }
    restricted, part2, advantage = read_ledger(
        [
            row | {"self_pay_restriction": "true"},
            row | {"writeoff_id": "W2", "part2": "true", "appeal_consent_on_file": "false"},
            row | {"writeoff_id": "W3", "payer_type": "medicare_advantage", "network_status": "out", "appeal_consent_on_file": "false"},
        ]
    )
    for case, rule in ((restricted, "restriction.self_pay"), (part2, "part2.consent"), (advantage, "standing.waiver")):
        with pytest.raises(Forbidden) as refused:
            write_packet(case)
        assert refused.value.rules == (rule,)


def test_medicare_part_b_takes_no_replacement_claim() -> None:
    with pytest.raises(Forbidden, match="405.980"):
        write_packet(a_case("corrected_claim", payer_type="medicare"))
    assert write_packet(a_case("corrected_claim", payer_type="medicare", claim_type="institutional")).kind == "corrected_claim"


def test_a_remedy_without_packet_says_why() -> None:
    with pytest.raises(UsageError, match="no packet for remedy none.*The payer denied it"):
        write_packet(a_case(remedy="none"))


def frequency(packet: Packet) -> dict[str, str]:
    (section,) = [section for section in packet.letter.sections if section.name == "resubmission"]
    (table,) = section.blocks
    assert isinstance(table, Table)
    return {row[0].text: row[1].text for row in table.rows}


def test_a_corrected_claim_names_frequency_and_original_number() -> None:
    told = frequency(write_packet(a_case("corrected_claim")))
    assert told["Claim frequency code"].startswith("7") and told["Original claim number"] == "ICN900"
    assert frequency(write_packet(a_case("corrected_claim"), void=True))["Claim frequency code"].startswith("8")
    assert "Original claim number" not in frequency(write_packet(a_case("corrected_claim", remedy="new_claim")))
    packet = write_packet(a_case("corrected_claim", payer_claim_number=None), identities=somebody)
    assert any("REF*F8" in told for told in packet.missing)


def test_a_change_of_code_or_modifier_waits_for_the_coder() -> None:
    packet = write_packet(a_case("corrected_claim"), identities=somebody)
    assert any("coder" in told for told in packet.missing)
    (section,) = [section for section in packet.letter.sections if section.name == "coder"]
    assert isinstance(section.blocks[0], Signature)
    case = a_case("corrected_claim", carc="197")
    authorized = replace(case, score=replace(case.score, family="authorization"))
    packet = write_packet(authorized, identities=somebody)
    assert packet.status == "complete"
    assert "coder" not in [section.name for section in packet.letter.sections]


def test_the_computation_is_the_contracts() -> None:
    row = {
        "writeoff_id": "W1",
        "payer_id": "P1",
        "writeoff_date": "2026-05-01",
        "contract_id": "K1",
        "claim_id": "C1",
        "procedure_code": "10021",
        "modifiers": "50",
        "units": "2",
        "service_date": "2026-01-05",
        "group_code": "CO",
        "carc": "45",
        "billed_amount": "900.00",
        "allowed_amount": "300.00",
        "paid_amount": "300.00",
        "writeoff_amount": "600.00",
        "remit_date": "2026-03-01",
    }
    rate = {"contract_id": "K1", "payer_id": "P1", "procedure_code": "10021", "method": "fee_schedule", "value": "130.00"}
    (case,) = read_ledger([row], [rate | {"effective_from": "2026-01-01", "effective_to": "2026-12-31"}])
    contract = case.contract
    assert contract is not None
    steps = {step.label: step.text for step in contract.steps}
    # A bilateral procedure is 150 % of the fee.
    assert steps["Rate"] == "$130.00" and steps["Units"] == "2" and steps["Modifier 50"] == "x 150 %"
    assert contract.allowed == 130_00 * 2 * 150 // 100 == 390_00
    assert contract.short == 390_00 - 300_00
    packet = write_packet(case)
    assert packet.kind == "underpayment" and faults(packet, [case]) == []
    assert "fee schedule for procedure 10021, in force from January 1, 2026 to December 31, 2026" in text_of(packet)
    assert "$90.00 more than was allowed" in text_of(packet)


def test_a_project_sums_its_lines() -> None:
    cases = project("underpayment", 12)
    packet = write_packet(cases)
    assert faults(packet, cases) == []
    (section,) = [section for section in packet.letter.sections if section.name == "schedule"]
    (table,) = section.blocks
    assert isinstance(table, Table) and table.has_total and len(table.rows) == 13
    assert table.rows[-1][-1].text == "$586.80"
    assert "12 claims" in text_of(packet) and len(packet.writeoff_ids) == 12


@pytest.mark.parametrize("change", [{"payer_id": "P9"}, {"carc": "16"}, {"client_id": "other"}])
def test_a_project_has_one_payer_client_and_reason(change: dict[str, Any]) -> None:
    first, second = project("appeal", 2)
    with pytest.raises(UsageError, match="a project has one"):
        write_packet([first, replace(second, row=replace(second.row, **change))])
    with pytest.raises(UsageError, match="twice"):
        write_packet([first, first])
    with pytest.raises(UsageError, match="at most 500"):
        write_packet([moved(first, number) for number in range(501)])


def test_letterhead_and_address_come_from_the_practice() -> None:
    practice = Practice(Party("Hill Clinic", ("NPI 1", "12 Hill")), {"P7": Party("Good Health", ("PO Box 1",))})
    letter = write_packet(a_case(), practice=practice).letter
    assert letter.sender == ("Hill Clinic", "NPI 1", "12 Hill") and letter.addressee == ("Good Health", "PO Box 1")
    other = write_packet(a_case("cob_facts"), practice=practice)
    assert other.letter.addressee == ("Payer P8",) and "The remittance of Good Health of March 7, 2026" in text_of(other)


def test_a_deadline_is_named_while_it_runs_and_somebody_set_it() -> None:
    assert "The time limit for this request ends on December 5, 2026 (42 CFR 405.942)." in text_of(write_packet(a_case()))
    case = a_case()
    assert case.due is not None
    for due in (replace(case.due, source="default"), replace(case.due, day=date(2026, 10, 31))):
        assert "time limit for this request" not in text_of(write_packet(replace(case, due=due)))


def test_the_house_needs_no_identity_to_put_its_ledger_right() -> None:
    packet = write_packet(a_case("ledger_correction"))
    assert packet.missing == ("approval before the ledger is changed",)
    assert TO_COMPLETE not in text_of(packet)


def test_titles_follow_the_track() -> None:
    assert write_packet(a_case(payer_type="medicare")).letter.title.startswith("Request for redetermination")
    assert write_packet(a_case(remedy="recoupment_appeal")).letter.title == "Appeal of a recoupment"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('title = "T"\norder = ["a"]\n[[a]]\nsay = ["{nothing}"]', "no field"),
        ('title = "T"\norder = ["b"]\n[[a]]\nsay = ["{payer}"]', "order names b"),
        ('title = "T"\norder = ["a"]\n[[a]]\nsay = ["{payer}"]\nfamilies = ["x"]', "families names x"),
        ('title = "T"\norder = ["a"]\n[[a]]\nsay = ["{payer}"]\nwhen = 1', r"\[\[a\]\] has when"),
        ('title = "T', "not TOML"),
    ],
)
def test_a_file_of_words_that_cannot_be_is_named(text: str, told: str) -> None:
    with pytest.raises(BadData, match=told):
        parse_texts(text, "appeal.toml")


def test_every_field_is_a_column_or_explained() -> None:
    assert set(read_fields(a_case())) <= NAMES


def test_the_page_lists_every_field() -> None:
    page = (Path(__file__).parents[3] / "docs" / "packets.md").read_text()
    assert [name for name in sorted(NAMES) if f"`{name}`" not in page] == []


def test_packets_of_a_practice_have_no_fault(tmp_path: Path) -> None:
    cases = cases_of(tmp_path, 400)
    made = list(packets_of(cases, 40))
    kinds = {packet.kind for packet, _ in made}
    assert len(made) >= 40 and len(kinds) >= 5
    for packet, of in made:
        assert faults(packet, of) == []
    for packet, of in made[::8]:
        assert files_faults(packet, of) == []


def test_what_triage_finds_overpaid_gets_a_cover_that_says_how_much_and_returns_nothing_by_itself() -> None:
    row = {
        "writeoff_id": "W1",
        "payer_id": "P1",
        "writeoff_date": "2026-05-01",
        "remit_date": "2026-04-20",
        "service_date": "2026-03-02",
        "claim_id": "C1",
        "contract_id": "K1",
        "line_number": "1",
        "payer_claim_number": "ICN1",
        "procedure_code": "10021",
        "group_code": "CO",
        "carc": "45",
        "billed_amount": "500.00",
        "allowed_amount": "300.00",
        "paid_amount": "300.00",
        "writeoff_amount": "200.00",
    }
    rate = {"contract_id": "K1", "payer_id": "P1", "procedure_code": "10021", "method": "fee_schedule", "value": "260.00"}
    (case,) = read_ledger([row], [rate | {"effective_from": "2026-01-01", "effective_to": "2026-12-31"}])
    assert (case.score.category, case.score.remedy) == ("overpayment_owed", "compliance_review")
    packet = write_packet(case)
    told = text_of(packet)
    assert packet.kind == "refund" and faults(packet, [case]) == []
    assert "The contract gives $260.00, and $40.00 more than that was allowed." in told
    assert "Allowed too much" in told and "Allowed too little" not in told
    assert "compliance's decision on the amount" in packet.missing and "nothing is returned before" in told


def staged(case: Case, level: int, **due: Any) -> Case:
    """A case whose last level was decided on 1 October 2026, with the last day of the next one."""
    last: dict[str, Any] = {
        "day": date(2027, 4, 4),
        "source": "statute",
        "rule": "180 days from receipt.",
        "citation": "42 CFR 405.962",
    } | due
    return replace(case, stage=Stage(level, date(2026, 10, 1)), due=Due(**last))


def enclosed(packet: Packet) -> list[str]:
    """What a letter says is enclosed."""
    (section,) = [section for section in packet.letter.sections if section.name == "enclosures"]
    (block,) = section.blocks
    assert isinstance(block, Listing)
    return [item.text for item in block.items]


def test_after_a_redetermination_the_letter_asks_for_a_reconsideration_by_its_own_day() -> None:
    case = staged(a_case(payer_type="medicare"), 2)
    packet = write_packet(case, practice=Practice(payers={"P7": Party("The contractor")}))
    told = text_of(packet)
    assert packet.letter.title == "Request for reconsideration by a QIC"
    assert "The redetermination of October 1, 2026 upheld the decision on" in told
    assert "The remittance of March 7, 2026 had denied it with reason CO-29" in told
    assert "The time limit for this request ends on April 4, 2027 (42 CFR 405.962)." in told
    assert "405.942" not in told and "redetermination\n" not in packet.letter.title.lower()
    # It goes to another contractor than the one that decided, which has no claim number of its own.
    assert packet.letter.addressee[0].startswith("The Qualified Independent Contractor") and "Your claim number" not in told
    assert "The redetermination of October 1, 2026" in enclosed(packet)
    sheet = "\n".join(packet.worksheet.texts())
    assert "the first level ended with the decision of October 1, 2026" in sheet and "42 CFR 405.966" in sheet
    assert "April 4, 2027 (154 days left)" in sheet
    assert faults(packet, [case]) == []


@pytest.mark.parametrize(
    ("payer_type", "level", "title"),
    [
        ("commercial", 2, "Second-level appeal of a denied claim"),
        ("commercial", 3, "Third-level appeal of a denied claim"),
        ("medicare", 3, "Request for a hearing before an administrative law judge"),
        ("medicare", 4, "Request for review by the Medicare Appeals Council"),
        ("medicare_advantage", 2, "Second-level appeal of a denied claim"),
        ("medicaid_managed", 2, "Request for a state fair hearing"),
        ("tricare", 2, "Request for a formal review"),
        (None, 5, "Fifth-level appeal of a denied claim"),
    ],
)
def test_the_letter_is_that_of_its_level(payer_type: str | None, level: int, title: str) -> None:
    case = staged(a_case(payer_type=payer_type), level, source="payer_rule", citation="DATA payer_rules")
    packet = write_packet(case)
    assert packet.letter.title == title and faults(packet, [case]) == []
    assert "of October 1, 2026" in text_of(packet) and any("October 1, 2026" in paper for paper in enclosed(packet))


@pytest.mark.parametrize("payer_type", PAYER_TYPES)
@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_above_the_first_level_no_letter_is_that_of_the_first(payer_type: str, level: int) -> None:
    case = staged(a_case(payer_type=payer_type), level)
    if level == 5 and payer_type in ("medicare", "medicare_advantage"):
        with pytest.raises(UsageError, match="counsel"):
            write_packet(case)
        return
    for remedy in ("appeal", "recoupment_appeal", "send_records", "peer_to_peer"):
        same = replace(case, score=replace(case.score, remedy=remedy))
        packet, first = write_packet(same), write_packet(replace(same, stage=None))
        assert packet.kind == "appeal" and packet.letter.title != first.letter.title
        assert faults(packet, [same]) == []


def test_the_first_decision_of_a_commercial_payer_is_named_and_the_second_asked_of_it() -> None:
    packet = write_packet(staged(a_case(), 2, source="payer_rule"))
    assert packet.letter.addressee == ("Payer P7",)
    assert "The decision of October 1, 2026 on our first request upheld the one on" in text_of(packet)


def test_a_decision_whose_day_is_unknown_is_asked_for_before_the_letter_goes_out() -> None:
    case = replace(a_case(), stage=Stage(2, None))
    assert any("name it and its day" in told for told in write_packet(case).missing)


def test_a_letter_is_not_dated_before_the_decision_that_it_contests() -> None:
    case = replace(a_case(), stage=Stage(2, date(2026, 11, 20)))
    assert write_packet(case).letter.prepared == "November 20, 2026"


def claim_of(*reasons: tuple[str, str, str], kind: str = "appeal", **columns: Any) -> list[Case]:
    """Postings of one claim: code, its meaning and family, one line each."""
    cases = []
    for number, (carc, meaning, family) in enumerate(reasons, start=1):
        told = a_case(kind, writeoff_id=f"W{number}", line_number=number, procedure_code=f"1002{number}", carc=carc, **columns)
        cases.append(replace(told, carc=Code(carc, meaning), score=replace(told.score, family=family)))
    return cases


def test_postings_of_one_claim_are_one_letter_that_names_each_line_with_its_reason() -> None:
    cases = claim_of(
        ("50", "not necessary", "medical_necessity"),
        ("197", "no authorization", "authorization"),
        ("50", "not necessary", "medical_necessity"),
    )
    packet = write_packet(cases)
    told = text_of(packet)
    assert packet.writeoff_ids == ("W1", "W2", "W3") and faults(packet, cases) == []
    assert "CO-50 (not necessary) on lines 1 (10021) and 3 (10023) and CO-197 (no authorization) on line 2 (10022)" in told
    assert packet.letter.reference == "claim C100"
    # What is said of a line is not said of the claim: no price, share or units of one of them.
    assert "$260.00" not in told and "Units" not in told and "Patient's share" not in told
    # Each reason has its own argument.
    assert "Please have each of the lines 1 (10021) and 3 (10023) reviewed by a clinician" in told
    assert "We ask that the authorization requirement be reviewed after the fact for procedure 10022." in told
    assert "Please reverse the denial of each of the 3 lines in the schedule below" in told
    (section,) = [section for section in packet.letter.sections if section.name == "schedule"]
    (table,) = section.blocks
    assert isinstance(table, Table) and "Reason" in table.head
    assert [row[table.head.index("Reason")].text for row in table.rows] == ["CO-50 N211", "CO-197 N211", "CO-50 N211", ""]
    assert table.rows[-1][-1].text == "$866.70"


@pytest.mark.parametrize("kind", KINDS)
def test_postings_of_one_claim_make_every_kind_of_packet(kind: str) -> None:
    cases = claim_of(("16", "lacks data", "coding"), ("4", "modifier", "bundling"), kind=kind)
    packet = write_packet(cases)
    told = text_of(packet)
    assert faults(packet, cases) == [] and "1 claims" not in told and "C100" in told
    # The house's own posting and what compliance decides on need no reasons; a dispute is about prices.
    assert ("CO-4 (modifier) on line 2 (10022)" in told) == (kind not in ("ledger_correction", "refund", "underpayment"))
    assert "did not pay each" not in told


def test_two_postings_of_one_line_count_its_charge_once() -> None:
    first, second = claim_of(("50", "not necessary", "medical_necessity"), ("151", "too many", "medical_necessity"))
    cases = [first, replace(second, row=replace(second.row, line_number=1, procedure_code="10021"))]
    packet = write_packet(cases)
    sheet = "\n".join(packet.worksheet.texts())
    assert "$500.00" in sheet and "$1,000.00" not in sheet and "$577.80" in sheet
    assert "denied the service of January 5, 2026 (procedure 10021)" in text_of(packet) and faults(packet, cases) == []


def test_a_project_goes_by_the_leading_reason_of_each_claim() -> None:
    first = claim_of(("50", "not necessary", "medical_necessity"), ("197", "no authorization", "authorization"))
    other = moved(first[0], 9)
    packet = write_packet([*first, other])
    assert "2 claims" in text_of(packet) and faults(packet, [*first, other]) == []
    with pytest.raises(UsageError, match="a project has one reason"):
        write_packet([first[1], first[0], other])
    with pytest.raises(UsageError, match="a project has one level"):
        write_packet([first[0], staged(other, 2)])


def test_the_sheet_of_several_lines_says_where_their_codes_stand() -> None:
    packet = write_packet(claim_of(("16", "lacks data", "coding"), ("4", "modifier", "bundling"), kind="corrected_claim"))
    (section,) = [section for section in packet.letter.sections if section.name == "elements"]
    table = section.blocks[0]
    assert isinstance(table, Table)
    assert {line[0].text: line[2].text for line in table.rows}["Procedure code *"] == "as in the schedule"


def sheet_of(rarcs: str, carc: str = "16", **columns: str) -> tuple[Packet, dict[str, str]]:
    """The sheet of a corrected claim of a real row, and its elements with where they stand."""
    row = {"writeoff_id": "W1", "payer_id": "P1", "writeoff_date": "2026-05-01", "claim_id": "C1", "payer_claim_number": "ICN1"}
    row |= {"payer_type": "commercial", "claim_type": "professional", "group_code": "CO", "carc": carc, "rarcs": rarcs}
    (case,) = read_ledger([row | {"procedure_code": "10021", "provider_id": "1234567893"} | columns])
    packet = write_packet(case)
    assert packet.kind == "corrected_claim" and faults(packet, [case]) == []
    (section,) = [section for section in packet.letter.sections if section.name == "elements"]
    table = section.blocks[0]
    assert isinstance(table, Table)
    return packet, {line[0].text: line[1].text for line in table.rows}


def test_the_sheet_lists_the_element_that_the_remark_names_and_asks_no_coder_for_a_number() -> None:
    packet, elements = sheet_of("N290")
    assert list(elements) == ["Rendering provider and taxonomy"]
    assert not packet.needs_coder and not any("coder" in told for told in packet.missing)


def test_a_code_that_the_remark_names_waits_for_the_coder() -> None:
    packet, elements = sheet_of("M76 N290")
    assert {"Principal diagnosis *", "Rendering provider and taxonomy"} == set(elements) and packet.needs_coder


@pytest.mark.parametrize(("rarcs", "carc"), [("N290 ZZ99", "16"), ("N290 M15", "16"), ("", "16"), ("N290", "4")])
def test_where_the_remarks_do_not_say_all_a_code_may_be_wrong(rarcs: str, carc: str) -> None:
    packet, _ = sheet_of(rarcs, carc)
    assert packet.needs_coder


def test_every_element_that_a_remark_names_is_on_the_sheet_and_every_code_is_the_coders() -> None:
    codes = Codes.load()
    told = [remark for remark in codes.rarcs.values() if remark.what]
    assert len(told) > 100
    for remark in told:
        case = a_case("corrected_claim", carc="16", rarcs=remark.code)
        case = replace(case, rarcs=(Code(remark.code, remark.meaning, remark.what),), is_named_alone=True)
        packet = write_packet(case)
        assert any(section.name == "elements" for section in packet.letter.sections), remark
        changes_code = re.search(r"\b(codes?|modifiers?|diagnosis|units)\b", remark.what) and not re.search(r"\bdates?$", remark.what)
        assert packet.needs_coder or not changes_code, remark
        if re.fullmatch(r"the [a-z -]+ (provider|facility|surgeon)'s (second )?(identifier|name|address|taxonomy)", remark.what):
            assert not packet.needs_coder, remark


def test_the_primary_payers_remittance_is_enclosed_and_missing_until_it_is_there() -> None:
    row = {"writeoff_id": "W1", "payer_id": "P1", "writeoff_date": "2026-05-01", "remit_date": "2026-04-20", "claim_id": "C1"}
    (case,) = read_ledger(
        [row | {"group_code": "CO", "carc": "22", "rarcs": "MA04", "payer_type": "commercial", "procedure_code": "10021"}]
    )
    packet = write_packet(case)
    assert packet.kind == "cob_facts" and "primary payer's remittance, which is enclosed" in text_of(packet)
    assert "Primary payer's remittance (EOB) with its payment" in enclosed(packet)
    assert "to obtain and enclose: primary payer's remittance (EOB) with its payment" in packet.missing
    # Files may hold anything: whoever encloses them is told what the letter rests on.
    missing = write_packet(case, attachments=["Scan"]).missing
    assert "see that the files hold: primary payer's remittance (EOB) with its payment" in missing


@pytest.mark.parametrize("remedy", ["bill_secondary", "rebill_other_payer"])
def test_the_claim_that_is_to_be_processed_is_enclosed(remedy: str) -> None:
    packet = write_packet(a_case("cob_facts", remedy=remedy))
    assert "process the enclosed claim" in text_of(packet)
    assert "The claim as it is sent to the payer addressed" in enclosed(packet)
    missing = write_packet(a_case("cob_facts", remedy=remedy), attachments=["Scan"]).missing
    assert "see that the files hold: the claim as it is sent to the payer addressed" in missing
    packet = write_packet(a_case("cob_facts", remedy=remedy, next_payer_id=None))
    assert any("the payer to send it to" in told for told in packet.missing) and packet.letter.addressee[0].endswith("(to be found)")


def test_a_coverage_inquiry_asks_who_may_know_and_tells_no_more_than_needed() -> None:
    case = a_case("cob_facts", remedy="coverage_discovery", other_coverage_on_file=True)
    packet = write_packet(case)
    told = text_of(packet)
    assert packet.letter.addressee == ("Payer P8",) and faults(packet, [case]) == []
    assert "Please tell us whether coverage with you was in force for the patient on January 5, 2026" in told
    assert not any(word in told for word in ("$", "10021", "CO-29", "P7", "Remittance"))
    packet = write_packet(replace(case, row=replace(case.row, next_payer_id=None)))
    assert packet.letter.addressee == ("The payer that covered the patient (to be found)",)
    assert any(told.startswith("whom to ask:") for told in packet.missing)


def test_claims_that_go_to_two_payers_are_addressed_to_neither() -> None:
    first, second = project("cob_facts", 2)
    packet = write_packet([first, replace(second, row=replace(second.row, next_payer_id="P9"))])
    assert packet.letter.addressee == ("The payer that owes the claim (to be found)",)
    assert any("the payer to send it to" in told for told in packet.missing)


ENCLOSED = ("timely_proof_on_file", "authorization_on_file", "referral_on_file", "records_on_file", "other_coverage_on_file")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["appeal", "reopening", "cob_facts"])
@pytest.mark.parametrize("is_there", [True, False, None])
def test_what_a_letter_says_is_enclosed_is_listed(kind: str, family: str, is_there: bool | None) -> None:
    papers = {
        "uthorization": "Authorization",
        "referral": "Referral",
        "record": "record",
        "roof": "Proof",
        "remittance": "emittance",
        "claim for": "The claim as",
    }
    case = a_case(kind, other_payer_paid_amount=100_00, **dict.fromkeys(ENCLOSED, is_there))
    packet = write_packet(replace(case, score=replace(case.score, family=family)))
    listed = " ".join(enclosed(packet))
    blocks = [block for section in packet.letter.sections if section.name in ("ground", "request") for block in section.blocks]
    body = [sentence.text for block in blocks if isinstance(block, Paragraph) for sentence in block.sentences]
    for sentence in (text for text in body if "enclosed" in text):
        clause = sentence.split(" by the ")[0]
        named = [paper for word, paper in papers.items() if word in clause]
        assert named or "documents asked for" in clause.lower(), sentence
        assert all(paper in listed for paper in named if not (paper == "Authorization" and "requirement" in clause)), (sentence, listed)


def test_what_the_law_excludes_is_not_asked_for_as_if_it_were_owed() -> None:
    row = {"writeoff_id": "W1", "payer_id": "P1", "writeoff_date": "2026-05-01", "remit_date": "2026-04-20", "claim_id": "C1"}
    (case,) = read_ledger(
        [row | {"group_code": "CO", "carc": "96", "rarcs": "N425", "payer_type": "commercial", "procedure_code": "10021"}]
    )
    packet = write_packet(case)
    assert packet.kind == "appeal" and "Nothing is owed" not in case.next_step and "only where" in case.next_step
    told = text_of(packet)
    assert "If the exclusion does not cover procedure 10021, please reverse the denial" in told
    assert "Please reverse the denial of procedure 10021, process" not in told
    assert any("nothing is owed and nothing goes out" in told for told in packet.missing)


def test_a_reopening_after_its_year_rests_on_good_cause_and_says_so() -> None:
    last = date(2029, 6, 1)
    due = Due(last, "statute", "One year.", "42 CFR 405.980(c), 405.986", "appeal", date(2025, 10, 4), needs_cause=True)
    case = a_case("reopening", payer_type="medicare", records_on_file=True)
    case = replace(case, due=due, score=replace(case.score, family="medical_necessity"))
    packet = write_packet(case)
    assert "until June 1, 2029 it is reopened for good cause (42 CFR 405.980(c)(2), 405.986)" in text_of(packet)
    assert any(told.startswith("good cause:") for told in packet.missing)
    sheet = "\n".join(packet.worksheet.texts())
    assert "good cause alone, which must be shown" in sheet and "appeal until October 4, 2025" in sheet and "June 1, 2029" in sheet
    # A clerical error is put right at any time (405.980(c)(3)); within the year any reason will do.
    for other in (replace(case, score=replace(case.score, family="coding")), replace(case, due=replace(due, needs_cause=False))):
        assert "good cause (" not in text_of(write_packet(other))


@pytest.mark.parametrize("has_proof", [True, False])
def test_medicare_is_asked_for_an_exception_where_it_refused_a_claim_as_late(has_proof: bool) -> None:
    row = {"writeoff_id": "W1", "payer_id": "P1", "writeoff_date": "2026-05-01", "remit_date": "2026-04-20", "claim_id": "C1"}
    row |= {"service_date": "2025-02-03", "submitted_date": "2026-01-20", "group_code": "CO", "carc": "29", "procedure_code": "10021"}
    row |= {"payer_type": "medicare", "timely_proof_on_file": "yes" if has_proof else "no"}
    (case,) = read_ledger([row])
    packet = write_packet(case)
    told = text_of(packet)
    assert packet.kind == "reopening" and packet.letter.title == "Request to accept a claim denied as filed late"
    # 42 CFR 405.926(n), 424.44(b): there is no appeal and no reopening by right, so neither's day is named.
    assert "no initial determination (42 CFR 405.926(n))" in told and "405.980" not in told and "reopen" not in told.split("What we ask")[1]
    assert ("in time (42 CFR 424.44(a))" in told) is has_proof and ("exception to the time limit" in told) is not has_proof
    assert any("42 CFR 424.44(b)" in missing for missing in packet.missing) is not has_proof
    sheet = "\n".join(packet.worksheet.texts())
    assert "sixth calendar month" in sheet and "90 days by default" in sheet and "405.980" not in sheet
    assert faults(packet, [case]) == []
    (other,) = read_ledger([row | {"payer_type": "medicare_advantage"}])
    assert write_packet(other).kind == "appeal" and "424.44" not in text_of(write_packet(other))


def test_a_denial_disputed_under_the_network_agreement_is_argued_as_a_denial() -> None:
    row = {"writeoff_id": "W1", "payer_id": "P1", "writeoff_date": "2026-10-01", "remit_date": "2026-09-20", "claim_id": "C1"}
    row |= {"group_code": "CO", "carc": "50", "procedure_code": "10021", "payer_type": "tricare", "network_status": "in"}
    (case,) = read_ledger([row | {"allowed_amount": "0", "paid_amount": "0", "billed_amount": "500", "records_on_file": "yes"}])
    packet = write_packet(case)
    told = text_of(packet)
    assert case.score.remedy == "contract_dispute" and packet.kind == "appeal"
    assert (
        packet.letter.title == "Dispute of a denied claim under the network agreement"
        and packet.letter.salutation == "To provider disputes:"
    )
    assert "denied procedure 10021 with reason CO-50" in told and "reviewed by a clinician of the same specialty" in told
    assert "price" not in told and "Please reverse the denial of procedure 10021" in told
    assert faults(packet, [case]) == []
    assert write_packet(staged(case, 2)).letter.title == "Second-level dispute of a denied claim under the network agreement"
    # A price under the same agreement stays a dispute about the price.
    assert write_packet(a_case("underpayment", payer_type="tricare")).kind == "underpayment"


@pytest.mark.parametrize(
    ("payer_type", "level", "greeted"),
    [
        ("medicare", 1, "To the appeals department:"),
        ("medicare", 2, "To the Qualified Independent Contractor (QIC):"),
        ("medicare", 3, "To the Office of Medicare Hearings and Appeals:"),
        ("medicare", 4, "To the Medicare Appeals Council:"),
        ("medicare_advantage", 2, "To the appeals department:"),
        ("medicare_advantage", 3, "To the Office of Medicare Hearings and Appeals:"),
        ("tricare", 2, "To the office for formal reviews:"),
        ("tricare", 3, "To the hearing office:"),
        ("medicaid_managed", 2, "To the state's fair hearing office:"),
        ("commercial", 2, "To the appeals department:"),
    ],
)
def test_a_letter_greets_whoever_decides_at_its_level(payer_type: str, level: int, greeted: str) -> None:
    case = a_case(payer_type=payer_type)
    letter = write_packet(staged(case, level) if level > 1 else case).letter
    assert letter.salutation == greeted and greeted in docx_text(to_docx(letter)) and greeted in pdf_text(to_pdf(letter))
    if greeted != "To the appeals department:":
        assert greeted.removeprefix("To ")[:-1] in letter.addressee[0][:1].lower() + letter.addressee[0][1:]
