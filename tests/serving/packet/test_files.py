"""Packets as Word and PDF: what stands in the files, the practice's own templates, enclosures."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from docx import Document as new_word
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject, TextStringObject

from features.errors import BadData, Unavailable
from serving.packet import KINDS, write_packet
from serving.packet.case import Stage
from serving.packet.enclosures import Enclosure, compile_pdf
from serving.packet.pdf import to_pdf
from serving.packet.people import Identity
from serving.packet.proof import strange_figures
from serving.packet.stock import TEMPLATES, draw
from serving.packet.texts import read_texts
from serving.packet.word import to_docx
from tests.serving.packet.cases import a_case, docx_text, one_of_each_kind, own_file, pdf_text, project

FEET = ("Confidential:", "Internal.")
"""What the foot of a page begins with."""


def body_of(content: bytes) -> list[str]:
    return [paragraph.text for paragraph in new_word(io.BytesIO(content)).paragraphs]


def test_the_templates_that_ship_are_those_that_are_drawn() -> None:
    folder = Path(__file__).parents[3] / "serving" / "packet" / "templates"
    assert {path.stem for path in folder.glob("*.docx")} == set(TEMPLATES)
    for kind in TEMPLATES:
        shipped = (folder / f"{kind}.docx").read_bytes()
        assert body_of(shipped) == body_of(draw(kind)), "run `python -m serving.packet.stock serving/packet/templates`"


@pytest.mark.parametrize("kind", KINDS)
def test_word_and_pdf_hold_what_the_document_says(kind: str) -> None:
    case = a_case(kind)
    for document in (write_packet(case).letter, write_packet(case).worksheet):
        for text in (docx_text(to_docx(document)), pdf_text(to_pdf(document))):
            flat = " ".join(text.split())
            assert document.title in flat
            assert "{" not in flat and "}" not in flat
            assert strange_figures(flat, [case]) == []
            for sentence in document.trace():
                # A PDF breaks lines anywhere; the words stay in order.
                assert "".join(sentence.text.split()) in "".join(text.split()), sentence.text


def test_libreoffice_opens_every_kind_and_finds_the_same_words(tmp_path: Path) -> None:
    packets = {kind: write_packet(case) for kind, case in one_of_each_kind().items()}
    for kind, packet in packets.items():
        (tmp_path / f"{kind}.docx").write_bytes(to_docx(packet.letter))
    (tmp_path / "worksheet.docx").write_bytes(to_docx(packets["appeal"].worksheet))
    (tmp_path / "project.docx").write_bytes(to_docx(write_packet(project("underpayment", 30)).letter))
    soffice = shutil.which("soffice")
    assert soffice is not None, "LibreOffice is missing: make setup-system"
    home = (tmp_path / "home").as_uri()
    command = [soffice, f"-env:UserInstallation={home}", "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*command, *sorted(map(str, tmp_path.glob("*.docx")))], check=True, capture_output=True, timeout=170)
    for path in tmp_path.glob("*.docx"):
        reader = PdfReader(path.with_suffix(".pdf"))
        assert len(reader.pages) <= (3 if path.stem == "project" else 2)
        lines = [line for page in reader.pages for line in page.extract_text().splitlines() if not line.startswith(FEET)]
        text = "".join("".join(lines).split())
        document = packets[path.stem].letter if path.stem in packets else None
        for sentence in document.trace() if document is not None else ():
            assert "".join(sentence.text.split()) in text, sentence.text


def test_what_a_row_says_is_text_and_not_markup() -> None:
    case = a_case(claim_id="<b>&{{7*7}}", procedure_code="{% if %}", payer_id="a & b")
    letter = write_packet(case).letter
    for text in (docx_text(to_docx(letter)), pdf_text(to_pdf(letter))):
        assert "<b>&{{7*7}}" in text and "{% if %}" in text and "a & b" in text and "49" not in text.replace("$", "")


def test_names_of_other_scripts_stay_whole() -> None:
    def somebody(patient_id: str, payer_id: str) -> Identity:
        return Identity("Nguyễn Łukasz", date(1950, 2, 3), "M1")

    letter = write_packet(a_case(), identities=somebody).letter
    assert "Nguyễn Łukasz" in docx_text(to_docx(letter))
    assert "Nguyễn Łukasz" in pdf_text(to_pdf(letter))


def test_a_sign_beyond_the_basic_plane_can_be_copied_out_of_the_pdf() -> None:
    # The map from glyphs to text names such a sign by its two surrogates.
    title = "Photograph \N{GRINNING FACE} of the card"
    content = to_pdf(write_packet(a_case(), attachments=[title]).letter)
    assert title in pdf_text(content)
    held = [font["/ToUnicode"] for font in fonts_of(content) if "/ToUnicode" in font]
    maps = [told.get_data() for told in held if isinstance(told, StreamObject)]
    assert any(b"<D83DDE00>" in told for told in maps) and not any(b"<1F600>" in told for told in maps)


def test_a_symbol_that_no_font_has_stands_as_its_number() -> None:
    title = "Picture \N{TOOTH} of the tooth"
    letter = write_packet(a_case(), attachments=[title]).letter
    text = pdf_text(to_pdf(letter))
    assert "Picture (U+1F9B7) of the tooth" in text
    assert title in docx_text(to_docx(letter))


def test_a_name_in_letters_that_no_font_has_is_refused_and_not_cut() -> None:
    def somebody(patient_id: str, payer_id: str) -> Identity:
        return Identity("\N{CUNEIFORM SIGN A}", date(1950, 2, 3), "M1")

    with pytest.raises(Unavailable, match="no font here can draw"):
        to_pdf(write_packet(a_case(), identities=somebody).letter)


def fonts_of(content: bytes) -> list[DictionaryObject]:
    found = []
    for page in PdfReader(io.BytesIO(content)).pages:
        resources = page["/Resources"].get_object()
        assert isinstance(resources, DictionaryObject)
        held = resources["/Font"].get_object()
        assert isinstance(held, DictionaryObject)
        found += [font for one in held.values() if isinstance(font := one.get_object(), DictionaryObject)]
    return found


def test_the_foot_of_a_page_is_not_cut_off() -> None:
    packet = write_packet(replace(a_case(payer_type="medicare"), stage=Stage(3, date(2026, 10, 1))))
    pages = PdfReader(io.BytesIO(to_pdf(packet.worksheet))).pages
    text = pages[0].extract_text()
    page = f"request for a hearing before an administrative law judge, claim C100, page 1 of {len(pages)}"
    assert page in text.splitlines() and "Internal. Not to be sent. Contains protected health information." in text.splitlines()


def test_the_same_document_gives_the_same_pdf() -> None:
    letter = write_packet(a_case()).letter
    assert to_pdf(letter) == to_pdf(letter)


def test_the_practices_own_template_is_filled(tmp_path: Path) -> None:
    word = new_word()
    word.add_paragraph("Hill Clinic says {{ title }} about {{ reference }}.")
    word.add_paragraph("{{p section.decision.body }}")
    word.save(str(tmp_path / "appeal.docx"))
    text = docx_text(to_docx(write_packet(a_case()).letter, own=tmp_path))
    assert text.startswith("Hill Clinic says Appeal of a denied claim about claim C100.")
    assert "Your remittance of March 7, 2026 denied" in text and "Sincerely" not in text


@pytest.mark.parametrize(("line", "told"), [("{{ patient_name }}", "patient_name"), ("{% for x in %}", "template appeal.docx")])
def test_a_template_that_cannot_be_filled_is_named(line: str, told: str, tmp_path: Path) -> None:
    word = new_word()
    word.add_paragraph(line)
    word.save(str(tmp_path / "appeal.docx"))
    with pytest.raises(BadData, match=told):
        to_docx(write_packet(a_case()).letter, own=tmp_path)


def test_a_template_that_is_no_word_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "appeal.docx").write_bytes(b"PK nothing")
    with pytest.raises(BadData, match="appeal.docx is no Word file"):
        to_docx(write_packet(a_case()).letter, own=tmp_path)


def test_the_practices_own_words_stand_in_the_letter(tmp_path: Path) -> None:
    folder = own_file(
        tmp_path / "own", "appeal.toml", 'title = "Our appeal"\norder = ["claim", "plea"]\n[[plea]]\nsay = ["We ask again for {line}."]'
    )
    letter = write_packet(a_case(), texts=lambda kind: read_texts(kind, folder)).letter
    assert letter.title == "Our appeal"
    assert [(sentence.text, sentence.fields) for sentence in letter.trace()][-1] == ("We ask again for procedure 10021.", ("line",))


def a_pdf(pages: int, *, active: bool = False) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        page = writer.add_blank_page(width=612, height=792)
        if active:
            script = DictionaryObject({NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")})
            page[NameObject("/AA")] = DictionaryObject({NameObject("/O"): script})
            link = DictionaryObject({NameObject("/Subtype"): NameObject("/Link"), NameObject("/A"): script})
            field = DictionaryObject({NameObject("/Subtype"): NameObject("/Widget"), NameObject("/A"): script})
            field[NameObject("/V")] = TextStringObject("filled in by hand")
            page[NameObject("/Annots")] = ArrayObject([link, field])
    if active:
        script = DictionaryObject({NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(2)")})
        writer.root_object[NameObject("/OpenAction")] = script
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_enclosures_are_indexed_and_numbered() -> None:
    letter = write_packet(a_case(), attachments=["Proof of filing", "Remittance"]).letter
    content = compile_pdf(letter, [Enclosure("Proof of filing", a_pdf(3)), Enclosure("Remittance", a_pdf(1))])
    reader = PdfReader(io.BytesIO(content))
    pages = [page.extract_text() for page in reader.pages]
    front = len(PdfReader(io.BytesIO(to_pdf(letter))).pages)
    total = front + 1 + 3 + 1
    assert len(pages) == total
    index = " ".join(pages[front].split())
    assert f"1 Proof of filing 3 {front + 2}" in index and f"2 Remittance 1 {front + 5}" in index
    assert f"Enclosure 1, page 2 of 3 (page {front + 3} of {total})" in pages[front + 2]
    assert f"Enclosure 2, page 1 of 1 (page {total} of {total})" in pages[-1]
    titles = [item.title for item in reader.outline if not isinstance(item, list)]
    assert titles == [letter.title, "Index of enclosures", "Enclosure 1: Proof of filing", "Enclosure 2: Remittance"]
    assert "Proof of filing" in pages[0] + pages[front - 1]


def test_an_enclosure_does_nothing_by_itself() -> None:
    content = compile_pdf(write_packet(a_case()).letter, [Enclosure("Odd", a_pdf(1, active=True))])
    assert b"JavaScript" not in content and b"/AA" not in content and b"/Link" not in content
    assert b"filled in by hand" in content


def test_a_file_that_is_no_pdf_is_named() -> None:
    letter = write_packet(a_case()).letter
    with pytest.raises(BadData, match="'Scan' is no PDF"):
        compile_pdf(letter, [Enclosure("Scan", b"GIF89a")])
    writer = PdfWriter()
    writer.add_blank_page(width=612, height=792)
    writer.encrypt("secret")
    out = io.BytesIO()
    writer.write(out)
    with pytest.raises(BadData, match="encrypted"):
        compile_pdf(letter, [Enclosure("Locked", out.getvalue())])


def test_a_long_project_keeps_every_line() -> None:
    cases = project("appeal", 120)
    text = pdf_text(to_pdf(write_packet(cases).letter))
    assert all(f"ICN{number}" in text for number in range(1, 121))
    assert replace(cases[0]).row.writeoff_id == "W1"
