"""What a practice writes once for a project begins each of its letters, and nothing in it is left unsaid."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from docx import Document

from serving.packet import write_packet
from serving.packet.proof import faults
from tests.serving.packet.cases import a_case, docx_text, project
from tests.serving.web.practice import Practice, practice

WORDS = "All {claims_count} claims were keyed under the old tax number.\n\nPlease process them as billed; {total_writeoff} is open."


@pytest.fixture
def office(tmp_path: Path) -> Practice:
    return practice(tmp_path)


def begun(office: Practice, words: str, *items: str) -> str:
    """Begin a project and return its address."""
    return (
        office.client("lea")
        .send("/bulk/do", act="project", item=[f"{item} 0" for item in items], name="Old number", template=words)
        .headers["location"]
    )


def test_the_letter_begins_with_the_words_filled_from_its_claims() -> None:
    cases = project("appeal", 3)
    packet = write_packet(cases, preface=WORDS)
    section = next(section for section in packet.letter.sections if section.name == "words")
    texts = [sentence.text for block in section.blocks for sentence in block.sentences]  # type: ignore[union-attr]
    assert texts[0] == "All 3 claims were keyed under the old tax number."
    assert texts[1].startswith("Please process them as billed; $")
    assert faults(packet, cases) == []
    names = [section.name for section in packet.letter.sections]
    assert names.index("patient") < names.index("words") < names.index("decision")


def test_a_paragraph_that_the_claims_cannot_fill_is_left_out_and_told() -> None:
    packet = write_packet(a_case("appeal"), preface="About {claims_count} claims.\n\nThe rest stands.")
    told = " ".join(packet.letter.texts())
    assert "The rest stands." in told and "About" not in told
    assert any("no common claims count" in missing for missing in packet.missing)


def test_an_amount_that_no_claim_has_is_told_before_the_letter_goes_out() -> None:
    packet = write_packet(project("appeal", 2), preface="You owe us $77,777.77 since March 4, 1999.")
    assert [missing for missing in packet.missing if "none of the claims has" in missing] == [
        "the project's words say $77,777.77, which none of the claims has",
        "the project's words say March 4, 1999, which none of the claims has",
    ]


def test_words_given_on_the_page_stand_in_the_files(office: Practice) -> None:
    there = begun(office, WORDS, "i0002", "i0004", "i0006")
    lea = office.client("lea")
    page = lea.read(there)
    assert "All {claims_count} claims" in page and "It begins with the words of the project" in page
    letter = Document(io.BytesIO(lea.client.get(f"{there}/letter.docx").content))
    assert "All 3 claims were keyed under the old tax number." in "\n".join(paragraph.text for paragraph in letter.paragraphs)
    # One claim of it alone says what one claim can say; the page of the item tells what is left out.
    alone = docx_text(lea.client.get("/items/i0002/packet.docx").content)
    assert "keyed under" not in alone
    assert "A paragraph of the project&#39;s words is left out" in lea.read("/items/i0002")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("{claim_count} claims", "{claim_count}, which is no field"),
        ("a { alone", "brace of the words has no partner"),
        ("x" * 2001, "at most 2000 characters"),
    ],
)
def test_words_that_no_letter_could_say_are_refused_when_they_are_given(office: Practice, words: str, reason: str) -> None:
    told = office.client("lea").send("/projects", name="A", template=words)
    assert 400 <= told.status_code < 500 and reason in told.text
    assert "There is no project yet." in office.client("lea").read("/projects")


def test_a_project_of_several_payers_names_each_letter_that_it_needs(office: Practice) -> None:
    there = begun(office, "", "i0001", "i0002", "i0003")
    lea = office.client("lea")
    page = lea.read(there)
    assert "2 letters" in page and "payer_id=AETNA" in page and "payer_id=BCBS" in page
    assert lea.client.get(f"{there}/letter.pdf").status_code == 400
    told = lea.client.get(f"{there}/letter.pdf?payer_id=AETNA&remedy=appeal&carc=50")
    assert told.status_code == 200 and told.content.startswith(b"%PDF")
