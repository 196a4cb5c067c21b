"""The desk where packets are written: the practice's own templates and words, its letterhead, and the vault of identities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from serving.packet.case import Case
from serving.packet.compose import write_packet
from serving.packet.document import Packet
from serving.packet.enclosures import Enclosure, compile_pdf
from serving.packet.people import Practice, nobody, read_practice
from serving.packet.texts import read_texts
from serving.packet.vault import PLACE, Reading, Vault
from serving.packet.word import to_docx

FOLDER = "packets"
"""Below RECOUP_HOME: `KIND.docx`, `KIND.toml` and `practice.toml` of the practice's own."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What writing needs beside the cases.

    Parameters
    ----------
    own
        Folder of the practice's own files; one that is not there is as one that is empty.
    practice
        Letterhead and addresses.
    vault
        Identities; None: there are none, and each packet keeps its block to complete.
    """

    own: Path
    practice: Practice
    vault: Vault | None = None

    @classmethod
    def at(cls, home: Path, identity_key: str | None = None) -> Desk:
        """Return the desk of a home; the vault is used when it is there and its key is given.

        Raises
        ------
        Misconfigured
            When `practice.toml` cannot be read.
        """
        own, vault = home / FOLDER, Vault(home / PLACE, identity_key) if identity_key else None
        return cls(own, read_practice(own), vault if vault is not None and vault.exists else None)

    def write(
        self,
        cases: Case | Sequence[Case],
        *,
        subject: str,
        log: Callable[[Reading], None],
        attachments: Sequence[str] = (),
        void: bool = False,
        preface: str = "",
    ) -> Packet:
        """Write a packet; identities are read only here, each read logged under `subject` and told to `log`.

        Raises as `write_packet` and `Vault.reader` do.
        """
        write = partial(
            write_packet,
            cases,
            practice=self.practice,
            texts=lambda kind: read_texts(kind, self.own),
            attachments=attachments,
            void=void,
            preface=preface,
        )
        if self.vault is None:
            return write(identities=nobody)
        with self.vault.reader(subject, log) as identities:
            return write(identities=identities)

    def docx(self, packet: Packet, *, is_worksheet: bool = False) -> bytes:
        """Return the letter, or the worksheet, as a Word file."""
        return to_docx(packet.worksheet if is_worksheet else packet.letter, own=self.own)

    def pdf(self, packet: Packet, enclosures: Sequence[Enclosure] = (), *, is_worksheet: bool = False) -> bytes:
        """Return the letter with its enclosures and their index, or the worksheet alone, as PDF."""
        return compile_pdf(packet.worksheet) if is_worksheet else compile_pdf(packet.letter, enclosures)
