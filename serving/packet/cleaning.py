"""An uploaded PDF is read in a process of its own, bounded in memory and time, and written anew without what it would do by itself.

The process gets the file on standard input and nothing else; what it answers with is all that is kept.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from features.errors import BadData

MOST_BYTES = 10 * 2**20
"""Of one file, as it comes and as it is kept."""

MOST_PAGES = 300
MEMORY_BYTES, CPU_SECONDS, WALL_SECONDS = 768 * 2**20, 20, 60
DRAWN_BYTES = 64 * 2**20
"""What all pages together may draw once it is unpacked; pictures apart, which are not unpacked here."""

REFUSED = 65
_HANDED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A PDF that only shows something, and its pages."""

    content: bytes
    pages: int


def clean(content: bytes, environment: Mapping[str, str] = os.environ) -> Cleaned:
    """Return a PDF written anew: pages and what they show; no scripts, links, forms' actions or files within.

    Raises
    ------
    BadData
        When it is no PDF, is too large or too long, is encrypted, or cannot be read within the bounds.
    """
    if len(content) > MOST_BYTES:
        raise BadData(f"a file to enclose has at most {MOST_BYTES >> 20} MB")
    if b"%PDF-" not in content[:1024]:
        raise BadData("only PDF files can be enclosed; save or print the paper as PDF")
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "serving.packet.cleaning"],
            input=content,
            capture_output=True,
            timeout=WALL_SECONDS,
            env={name: environment[name] for name in _HANDED_ON if name in environment},
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise BadData("the file takes too long to read; print it to PDF anew and enclose that") from None
    if done.returncode == REFUSED:
        raise BadData(done.stderr.decode("utf-8", "replace").strip()[:200])
    head, _, cleaned = done.stdout.partition(b"\n")
    if done.returncode or not head.isdigit() or len(cleaned) > MOST_BYTES:
        raise BadData("the file cannot be read within the bounds; print it to PDF anew and enclose that")
    return Cleaned(cleaned, int(head))


def rewrite(content: bytes) -> Cleaned:
    """Read a PDF and write it anew; raises as `clean`."""
    from pypdf import PdfReader, PdfWriter
    from pypdf.errors import PyPdfError

    from serving.packet.enclosures import calm

    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise BadData("the file is encrypted; save it without a password")
        count = len(reader.pages)
        if not 1 <= count <= MOST_PAGES:
            raise BadData(f"a file to enclose has 1 to {MOST_PAGES} pages, not {count}: enclose only what the dates of service need")
        writer, drawn = PdfWriter(), 0
        for page in reader.pages:
            contents = page.get_contents()
            drawn += len(contents.get_data()) if contents is not None else 0
            if drawn > DRAWN_BYTES:
                raise BadData("the pages of the file draw too much; print it to PDF anew and enclose that")
            calm(writer.add_page(page))
        writer.metadata = None
        out = io.BytesIO()
        writer.write(out)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError) as error:
        raise BadData(f"the file is no PDF that can be read ({type(error).__name__})") from error
    return Cleaned(out.getvalue(), count)


def main() -> int:
    """Read a file from standard input, write it anew to standard output, behind its number of pages."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        cleaned = rewrite(sys.stdin.buffer.read(MOST_BYTES + 1))
    except BadData as error:
        sys.stderr.write(str(error))
        return REFUSED
    sys.stdout.buffer.write(b"%d\n" % cleaned.pages)
    sys.stdout.buffer.write(cleaned.content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
