"""Files behind a letter: what is taken, how it is kept, and what the letter makes of it."""

from __future__ import annotations

import io
import re
import threading
import time
from pathlib import Path

import httpx
import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import select

from features.errors import BadData, CheckFailed
from serving.packet.cleaning import MOST_BYTES, MOST_PAGES, Cleaned, clean
from serving.packet.files import MOST_CLEANED, MOST_FILES, Files
from serving.packet.seal import PLACE, Seal
from serving.store import enclosures
from tests.serving.web.practice import OURS, Browser, Practice, practice
from tests.serving.worklist.queues import ANA


@pytest.fixture
def office(tmp_path: Path) -> Practice:
    return practice(tmp_path)


def pdf(*pages: str) -> bytes:
    """A PDF of pages with a text each."""
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    for text in pages:
        canvas.drawString(72, 720, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def with_script(content: bytes) -> bytes:
    """A PDF that would run a script when it is opened, on its page, and by a link."""
    writer = PdfWriter(clone_from=io.BytesIO(content))
    script = DictionaryObject({NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert('hello')")})
    writer.root_object[NameObject("/OpenAction")] = script
    act = DictionaryObject({NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject("https://evil.example")})
    writer.pages[0][NameObject("/AA")] = DictionaryObject({NameObject("/O"): act})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def upload(browser: Browser, path: str, content: bytes, *, title: str = "Proof of filing") -> httpx.Response:
    """Send the form with a file, as a browser does."""
    token = re.search(r'name="form_token" value="([0-9a-f]{64})"', browser.read("/account"))
    assert token is not None
    parts = [(b'name="form_token"', token[1].encode()), (b'name="title"', title.encode()), (b'name="file"; filename="scan.pdf"', content)]
    body = b"".join(b"--x9\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + value + b"\r\n" for head, value in parts)
    return browser.client.post(path, body + b"--x9--\r\n", OURS | {"Content-Type": "multipart/form-data; boundary=x9"})


def test_an_added_file_stands_behind_the_letter_with_an_index_and_numbered_pages(office: Practice) -> None:
    ana = office.client("ana")
    assert upload(ana, "/items/i0003/enclosures", pdf("page one", "page two")).headers["location"] == "/items/i0003"
    page = ana.read("/items/i0003")
    assert "Proof of filing" in page and "2 pages, added by ana" in page and "with 1 enclosed" in page
    letter = PdfReader(io.BytesIO(ana.client.get("/items/i0003/packet.pdf").content))
    texts = [sheet.extract_text() for sheet in letter.pages]
    assert "Index of enclosures" in texts[-3] and "Proof of filing" in texts[-3]
    assert "page two" in texts[-1] and f"Enclosure 1, page 2 of 2 (page {len(texts)} of {len(texts)})" in texts[-1]
    kept = re.search(r"/items/i0003/enclosures/[0-9a-f]{16}\.pdf", page)
    assert kept is not None and len(PdfReader(io.BytesIO(ana.client.get(kept[0]).content)).pages) == 2
    assert ana.send(kept[0].removesuffix(".pdf") + "/remove").headers["location"] == "/items/i0003"
    assert "Nothing yet" in ana.read("/items/i0003") and ana.client.get(kept[0]).status_code == 404


def test_what_a_file_would_do_by_itself_is_not_kept(office: Practice) -> None:
    content = with_script(pdf("harmless"))
    assert b"/JavaScript" in content and b"/AA" in content
    cleaned = clean(content)
    reader = PdfReader(io.BytesIO(cleaned.content))
    assert cleaned.pages == 1 and "harmless" in reader.pages[0].extract_text()
    assert "/AA" not in reader.pages[0] and "/Names" not in reader.root_object and "/OpenAction" not in reader.root_object


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"MZ this is a program", "only PDF"),
        (b"%PDF-1.7 and then nothing of the kind", "no PDF that can be read"),
        (b"%PDF-" + b"x" * MOST_BYTES, "at most 10 MB"),
        (pdf(*["p"] * (MOST_PAGES + 1)), f"1 to {MOST_PAGES} pages"),
    ],
)
def test_what_is_no_paper_is_refused_with_the_reason(content: bytes, words: str) -> None:
    with pytest.raises(BadData, match=words):
        clean(content)


def test_an_encrypted_file_is_refused() -> None:
    writer = PdfWriter(clone_from=io.BytesIO(pdf("secret")))
    writer.encrypt("a password", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    with pytest.raises(BadData, match="encrypted"):
        clean(out.getvalue())


def test_a_page_that_unpacks_to_more_than_the_bounds_is_refused_within_them() -> None:
    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=1, invariant=1)
    for _ in range(2):
        canvas._code.append("0 0 m 1 1 l S " * 2_600_000)
        canvas.showPage()
    canvas.save()
    assert len(out.getvalue()) < 1_000_000
    with pytest.raises(BadData, match="draw too much"):
        clean(out.getvalue())


def test_the_database_alone_shows_nothing_of_a_file_and_each_act_is_told(office: Practice) -> None:
    ana = office.client("ana")
    upload(ana, "/items/i0003/enclosures", pdf("Jane Roe, born 1950"))
    with office.gate.store.read() as unit:
        kept = unit.connection.execute(select(enclosures.pieces.c.content)).scalars().all()
        told = [line.act() for line in office.gate.log.lines(unit)]
    assert kept and not any(b"%PDF" in piece or b"Jane" in piece for piece in kept)
    act = next(act for act in told if act.action == "packet.attach")
    assert act.subject == "person:ana" and act.ids[0] == "i0003"


def test_a_piece_that_was_moved_to_another_item_does_not_open(office: Practice) -> None:
    ana = office.client("ana")
    upload(ana, "/items/i0003/enclosures", pdf("one"))
    with office.gate.store.write() as unit:
        unit.connection.execute(enclosures.enclosures.update().values(item_id="i0004"))
    path = re.search(r"/items/i0004/enclosures/[0-9a-f]{16}\.pdf", ana.read("/items/i0004"))
    assert path is not None
    told = ana.client.get(path[0])
    assert told.status_code == 422 and "cannot be unsealed" in told.text


def test_who_may_not_make_papers_adds_none_and_a_foreign_item_takes_none(office: Practice) -> None:
    assert upload(office.client("vic"), "/items/i0003/enclosures", pdf("one")).status_code == 403
    assert upload(office.client("ana"), "/items/i9999/enclosures", pdf("one")).status_code == 404
    assert upload(office.client("ana"), "/items/i0003/enclosures", pdf("one"), title=" ").status_code == 422


def test_a_form_that_takes_no_file_reads_none(office: Practice) -> None:
    assert upload(office.client("ana"), "/items/i0003/note", pdf("one")).status_code == 403


def test_an_item_has_at_most_so_many_files(office: Practice) -> None:
    files = office.site.needed_files()
    content = pdf("one")
    for number in range(MOST_FILES):
        files.attach(ANA, "i0003", f"Paper {number}", content)
    with pytest.raises(CheckFailed, match=f"at most {MOST_FILES} files"):
        files.attach(ANA, "i0003", "One more", content)


def test_few_files_are_read_at_a_time(office: Practice) -> None:
    most, now, lock = [0], [0], threading.Lock()

    def slowly(content: bytes) -> Cleaned:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1
        return Cleaned(content, 1)

    files = Files(office.gate.store, seal=Seal(office.home / PLACE), clock=office.gate.now, tell=office.gate.log.tell, clean=slowly)
    crowd = [threading.Thread(target=files.attach, args=(ANA, f"i000{n}", "Proof", b"%PDF-")) for n in range(1, 9)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert most[0] == MOST_CLEANED and all(len(files.of_item(ANA, f"i000{n}")) == 1 for n in range(1, 9))
