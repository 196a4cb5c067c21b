"""What stands in a packet: the row's figures, sentences that trace to fields, and nothing that a guard forbids."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from benchmarks.packets import cases_of, files_faults, packets_of
from features.errors import BadData, UsageError
from features.guards import BIT
from features.tables import REMEDIES
from serving.packet import KIND_OF, KINDS, Forbidden, Packet, kind_of, write_packet
from serving.packet.document import TO_COMPLETE, Facts, Signature, Table
from serving.packet.fields import NAMES, read_fields, sources_of
from serving.packet.people import Identity, Party, Practice
from serving.packet.proof import faults, strange_figures
from serving.packet.texts import parse_texts, read_texts
from tests.serving.packet.cases import REMEDY_OF_KIND, a_case, guards, moved, one_of_each_kind, project, read_ledger


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
                if section in ("elements", "documents", "evidence"):
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
    assert steps["Rate"] == "$130.00" and steps["Units"] == "2" and steps["Modifier 50"] == "x 150%"
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
