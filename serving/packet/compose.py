"""From cases to a packet: which sections stand, and what must still be done. Pure: no file, clock or network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from features.errors import UsageError
from serving.packet.case import Case
from serving.packet.document import Document, Packet, Section, Signature
from serving.packet.draft import TO_NEXT_PAYER, Draft, identity_of, needs_coder, original_number, papers_to_obtain, papers_to_see, say
from serving.packet.fields import Known, read_fields, read_project
from serving.packet.kinds import ADDRESSED, is_disputed_denial, kind_of
from serving.packet.levels import remedy_of
from serving.packet.people import Identities, Identity, Party, Practice, nobody
from serving.packet.preface import write_preface
from serving.packet.sections import write_section
from serving.packet.texts import Subject, Texts, read_texts
from serving.packet.words import long_day
from serving.packet.worksheet import write_worksheet

MOST_CLAIMS = 500
"""Lines of one project."""

CODER_LINES = ("Coder, name and credential", "Signature", "Date")
SIGNER_LINES = ("Signature", "Name and title", "Date")
POSTING_LINES = ("Requested by", "Approved by", "Date")
COMPLIANCE_LINES = ("Amount decided", "Identified on", "Decided by", "Date")


def write_packet(
    cases: Case | Sequence[Case],
    *,
    practice: Practice | None = None,
    identities: Identities = nobody,
    texts: Callable[[str], Texts] = read_texts,
    attachments: Sequence[str] = (),
    void: bool = False,
    preface: str = "",
) -> Packet:
    """Write the packet of a write-off, of the postings of one claim, or of a project: one payer, one remedy, one reason, many claims.

    Parameters
    ----------
    cases
        One case; those of one claim, whose reasons may differ; or those of a project. The first of each claim leads.
    practice
        Letterhead and addresses.
    identities
        Asked once for each patient; whoever gives it logs each read.
    texts
        Gives the words of a kind.
    attachments
        Titles of the files that are enclosed.
    void
        A corrected claim that takes the first one back (frequency 8) in place of replacing it (7).
    preface
        Words of the project that the letter begins with (`serving.packet.preface`).

    Raises
    ------
    Forbidden
        When a guard forbids it for any of the cases: rule and citation are named.
    UsageError
        When the remedy has no packet, or cases do not belong into one project.
    """
    told = (cases,) if isinstance(cases, Case) else tuple(cases)
    if not told:
        raise UsageError("a packet needs at least one write-off")
    kind = _common_kind(told)
    words = texts(kind)
    letterhead = practice if practice is not None else Practice()
    names = {payer: party.name for payer, party in letterhead.payers.items()}
    known = read_fields(told[0], names) if len(told) == 1 else read_project(told, names)
    subject = _subject(told, known)
    parts = _parts(told, names)
    draft = Draft(kind, told, words, subject, _identify(told, identities), tuple(attachments), void, names, parts)
    begins, unsure = write_preface(preface, known, told)
    missing = (*_missing(draft), *unsure)
    letter = _letter(draft, letterhead, begins)
    return Packet(
        kind, tuple(case.row.writeoff_id for case in told), letter, write_worksheet(draft, missing, letter), missing, is_coders(draft)
    )


def _subject(cases: tuple[Case, ...], known: Known) -> Subject:
    """Return what decides which sentences are said of some cases; their family is the one that most of them have."""
    first = cases[0]
    rarcs = [tuple(code.code for code in case.rarcs) for case in cases]
    return Subject(
        Counter(case.score.family for case in cases).most_common(1)[0][0],
        remedy_of(first),
        first.row.payer_type,
        first.row.claim_type if len({case.row.claim_type for case in cases}) == 1 else None,
        tuple(dict.fromkeys(code for codes in rarcs for code in codes)),
        known,
        first.level,
        tuple(code for code in rarcs[0] if all(code in codes for codes in rarcs)),
    )


def _parts(cases: tuple[Case, ...], names: Mapping[str, str]) -> tuple[Subject, ...]:
    """Return the families of the lines of one claim, where there are several: each has an argument of its own."""
    families = list(dict.fromkeys(case.score.family for case in cases))
    if len(families) < 2 or len({case.claim for case in cases}) > 1:
        return ()
    held = [tuple(case for case in cases if case.score.family == family) for family in families]
    return tuple(
        _subject(part, read_fields(part[0], names) if len(part) == 1 else read_project(part, names, is_part=True)) for part in held
    )


def _common_kind(cases: tuple[Case, ...]) -> str:
    """Return the kind of all cases, which must be of one payer, remedy and level, and whose claims must have one reason.

    Of a claim with several postings the first leads, as its item is put into the part of a project; what else was denied on the claim
    is asked for with it, each line with its own reason.
    """
    kinds = [kind_of(case) for case in cases]
    leading: dict[str, Case] = {}
    for case in cases:
        leading.setdefault(case.claim, case)
    if len(cases) > MOST_CLAIMS:
        raise UsageError(f"a project holds at most {MOST_CLAIMS} lines, not {len(cases)}")
    if len({case.row.writeoff_id for case in cases}) < len(cases):
        raise UsageError("a project names a write-off twice")
    for name, values in (
        ("payer", {case.row.payer_id for case in cases}),
        ("client", {case.row.client_id for case in cases}),
        ("remedy", {remedy_of(case) for case in cases}),
        ("level", {case.level for case in cases}),
        ("reason", {(case.row.group_code, case.row.carc) for case in leading.values()}),
    ):
        if len(values) > 1:
            raise UsageError(f"a project has one {name}; these have {len(values)}: make one project of each")
    return kinds[0]


def _identify(cases: tuple[Case, ...], identities: Identities) -> Mapping[str, Identity | None]:
    """Ask for each patient once."""
    found: dict[str, Identity | None] = {}
    for case in cases:
        patient = case.row.patient_id
        if patient is not None and patient not in found:
            found[patient] = identities(patient, case.row.payer_id)
    return found


def _missing(draft: Draft) -> tuple[str, ...]:
    """Return what must be done before the packet may go out."""
    found = []
    needs_identity = "patient" in draft.texts.order
    if needs_identity and not all(
        (who := identity_of(draft, case)) is not None and who.birth_date and who.member_id for case in draft.cases
    ):
        found.append("patient's identity: complete the marked block from the practice system")
    if draft.kind == "corrected_claim":
        if draft.subject.remedy != "new_claim" and not all(original_number(case) for case in draft.cases):
            found.append("original claim number (REF*F8): the ledger has none")
        if is_coders(draft):
            found.append("coder's sign-off before a code, modifier or diagnosis is changed")
    if draft.kind == "ledger_correction":
        found.append("approval before the ledger is changed")
    if draft.kind == "refund":
        found.append("compliance's decision on the amount")
    # Titles of files do not say what the files hold.
    word, papers = ("see that the files hold", papers_to_see) if draft.attachments else ("to obtain and enclose", papers_to_obtain)
    found += [f"{word}: {paper[:1].lower()}{paper[1:]}" for paper in papers(draft)]
    return (*found, *(sentence.text for sentence in say(draft, "before")))


def is_coders(draft: Draft) -> bool:
    """Tell whether a coder must sign before it goes out."""
    return draft.kind == "corrected_claim" and needs_coder(draft)


def _letter(draft: Draft, practice: Practice, begins: Section | None) -> Document:
    texts = draft.texts
    sections = [section for name in texts.order if (section := write_section(name, draft)) is not None]
    if begins is not None:
        # Who and what it is about stands above the words.
        place = next((at for at, section in enumerate(sections) if section.name not in ("patient", "claim")), len(sections))
        sections.insert(place, begins)
    if draft.kind == "refund":
        sections.append(
            Section("decision_of", "Decision", (Signature("Decided by compliance; nothing is returned before.", COMPLIANCE_LINES),))
        )
    elif draft.kind == "ledger_correction":
        sections.append(Section("posting", "", (Signature("To be posted once it is approved.", POSTING_LINES),)))
    elif is_coders(draft):
        statement = "The record supports every change of code, modifier or diagnosis entered above."
        sections.append(Section("coder", "Coder's sign-off", (Signature(statement, CODER_LINES),)))
    if texts.is_letter:
        # A letter is signed before its enclosures are listed.
        place = next((at for at, section in enumerate(sections) if section.name == "enclosures"), len(sections))
        sections.insert(place, Section("signature", "", (Signature("Sincerely,", SIGNER_LINES),)))
    if draft.is_project:
        claims = draft.known["claims_count"]
        reference = f"{len(draft.cases)} lines of {claims} claims"
    else:
        reference = draft.case.claim
    return Document(
        kind=draft.kind,
        title=texts.title_of(draft.subject),
        reference=reference,
        prepared=long_day(max(case.day for case in draft.cases)),
        sender=_sender(draft, practice),
        addressee=_addressee(draft, practice),
        sections=tuple(sections),
        is_letter=texts.is_letter,
        salutation=_salutation(draft),
    )


def _sender(draft: Draft, practice: Practice) -> tuple[str, ...]:
    """Return the letterhead; without one the practice as the ledger names it."""
    if practice.sender is not None:
        return (practice.sender.name, *practice.sender.lines)
    client, facilities = draft.case.row.client_id, {case.row.facility_id for case in draft.cases}
    name = f"Practice {client}" if client and client != "default" else "Patient accounts"
    return (name, *(f"Facility {facility}" for facility in facilities if facility and len(facilities) == 1))


def _addressee(draft: Draft, practice: Practice) -> tuple[str, ...]:
    row = draft.case.row
    if draft.kind == "ledger_correction":
        return ("Payment posting",)
    if reviewer := draft.known.get("reviewer"):
        return (reviewer[:1].upper() + reviewer[1:],)
    payer: str | None = row.payer_id
    if draft.subject.remedy in TO_NEXT_PAYER:
        # Claims that go to different payers have no common address: none of them is told of the others' patients.
        payer = row.next_payer_id if all(case.row.next_payer_id == row.next_payer_id for case in draft.cases) else None
    if payer is None:
        is_asked = draft.subject.remedy == "coverage_discovery"
        return ("The payer that covered the patient (to be found)" if is_asked else "The payer that owes the claim (to be found)",)
    party = practice.payers.get(payer, Party(f"Payer {payer}"))
    return (party.name, *party.lines)


def _salutation(draft: Draft) -> str:
    """Return whom the letter speaks to: who decides at its level, else the part of the payer that it is for; a sheet speaks to nobody."""
    if draft.kind not in ADDRESSED:
        return ""
    if reviewer := draft.known.get("reviewer"):
        return f"To {reviewer.partition(' that ')[0]}:"
    return f"To {'provider disputes' if draft.kind == 'appeal' and is_disputed_denial(draft.case) else ADDRESSED[draft.kind]}:"
