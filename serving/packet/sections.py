"""The sections of a packet that are no sentences: who and what it is about, tables, computation, schedule, enclosures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from features.money import exact_dollars
from serving.packet.case import Case, lines_of
from serving.packet.computation import TOO_LITTLE, TOO_MUCH
from serving.packet.document import TO_COMPLETE, Block, Fact, Facts, Item, Listing, Paragraph, Section, Sentence, Table
from serving.packet.draft import TO_NEXT_PAYER, Draft, elements_of, evidence, identity_of, needs_coder, original_number, say
from serving.packet.fields import read_cell
from serving.packet.words import short_day


def write_section(name: str, draft: Draft) -> Section | None:
    """Return a section by its name, or None where it has nothing to say."""
    if name in _BUILT:
        blocks = _BUILT[name](draft)
    elif name == "elements":
        blocks = _elements(draft)
    elif name == "documents":
        blocks = _documents(draft)
    else:
        sentences = say(draft, name)
        blocks = (Paragraph(sentences),) if sentences else ()
    return Section(name, draft.texts.headings.get(name, _HEADINGS.get(name, "")), blocks) if blocks else None


_HEADINGS = {
    "remits": "What the remittances say",
    "schedule": "Schedule of claims",
    "enclosures": "Enclosures",
    "resubmission": "How it is sent",
}


def _patient(draft: Draft) -> tuple[Block, ...]:
    """The one block that holds who the patient is, to be completed where the vault does not say."""
    if not draft.is_project:
        who = identity_of(draft, draft.case)
        rows = [
            Fact("Patient", who.name if who else TO_COMPLETE, ("patient_id",)),
            Fact("Date of birth", short_day(who.birth_date) if who and who.birth_date else TO_COMPLETE, ("patient_id",)),
            Fact("Member number", who.member_id if who and who.member_id else TO_COMPLETE, ("patient_id", "payer_id")),
        ]
        if who and who.group_number:
            rows.append(Fact("Group number", who.group_number, ("patient_id", "payer_id")))
        return (Facts(tuple(rows), marked=any(fact.value == TO_COMPLETE for fact in rows)),)
    known = [identity_of(draft, case) for case in draft.cases]
    if not any(known):
        text = "Patient, date of birth and member number of each claim"
        return (Facts((Fact(text, TO_COMPLETE, ("patient_id",)),), marked=True),)
    # Each patient stands once, in the order of the schedule.
    lines: dict[tuple[str, str, str, str], None] = {}
    for case, who in zip(draft.cases, known, strict=True):
        claim = case.row.claim_id or case.row.writeoff_id
        birth = short_day(who.birth_date) if who and who.birth_date else TO_COMPLETE
        lines[claim, who.name if who else TO_COMPLETE, birth, who.member_id if who and who.member_id else TO_COMPLETE] = None
    fields = (("claim_id",), ("patient_id",), ("patient_id",), ("patient_id", "payer_id"))
    rows_ = tuple(tuple(Sentence(text, names) for text, names in zip(line, fields, strict=True)) for line in lines)
    return (Table(("Our claim", "Patient", "Date of birth", "Member number"), rows_, (0.22, 0.34, 0.2, 0.24)),)


_CLAIM = (
    ("Payer", "payer"),
    ("Our claim number", "claim_id"),
    ("Your claim number", "payer_claim_number"),
    ("Line", "line_number"),
    ("Dates of service", "service_period"),
    ("Procedure", "procedure_code"),
    ("Modifiers", "modifiers"),
    ("Diagnosis", "diagnosis_code"),
    ("Units", "units"),
    ("Revenue code", "revenue_code"),
    ("Type of bill", "type_of_bill"),
    ("DRG", "drg_code"),
    ("Place of service", "place_of_service"),
    ("Rendering provider", "provider_id"),
    ("Submitted", "submitted_date"),
    ("Remittance date", "remit_date"),
    ("Billed", "billed_amount"),
    ("Allowed", "allowed_amount"),
    ("Paid", "paid_amount"),
    ("Patient's share", "patient_responsibility_amount"),
    ("Not paid", "writeoff_amount"),
)


_OF_LINE = ("line_number", "procedure_code", "modifiers", "units", "revenue_code")
"""What the schedule says of each line, where there are several."""


def _claim(draft: Draft) -> tuple[Block, ...]:
    if draft.is_project:
        return ()
    known = draft.known
    if draft.subject.remedy == "coverage_discovery":
        # Whoever is only asked for its coverage needs neither services nor amounts (45 CFR 164.502(b)).
        few = (("Our claim number", "claim_id"), ("Dates of service", "service_period"))
        asked = tuple(Fact(label, known[name], (name,)) for label, name in few if name in known)
        return (Facts(asked),) if asked else ()
    # A letter is addressed to the payer already.
    labels = {"payer_claim_number": number_label(draft)}
    of_line = _OF_LINE if len(lines_of(draft.cases)) > 1 else ()
    told = tuple(row for row in (_CLAIM[1:] if draft.texts.is_letter else _CLAIM) if row[1] not in of_line)
    rows = [(labels.get(name, label), name) for label, name in told]
    return (Facts(tuple(Fact(label, known[name], (name,)) for label, name in rows if name in known)),)


def number_label(draft: Draft) -> str:
    """Return how the number of the payer that decided is called: to that payer, or to others."""
    is_decider = draft.texts.is_letter and draft.subject.remedy not in TO_NEXT_PAYER and "reviewer" not in draft.known
    return "Your claim number" if is_decider else "Payer's claim number"


def _remits(draft: Draft) -> tuple[Block, ...]:
    """What the remittances say of the line, where several adjustments are known; one alone the sentences tell."""
    if len(draft.case.remits) < 2 or any(case.remits != draft.case.remits or case.claim != draft.case.claim for case in draft.cases):
        return ()
    rows = []
    for line in draft.case.remits:
        code = "-".join(part for part in (line.group_code, line.carc) if part)
        cells = (
            (short_day(line.remit_date) if line.remit_date else "", "remit_date"),
            (code, "carc"),
            (line.rarcs or "", "rarcs"),
            (exact_dollars(line.amount) if line.amount is not None else "", "amount"),
            (exact_dollars(line.paid_amount) if line.paid_amount is not None else "", "paid_amount"),
        )
        rows.append(tuple(Sentence(text, (f"remit_lines.{name}",) if text else ()) for text, name in cells))
    return (Table(("Remittance", "Reason", "Remarks", "Adjusted", "Paid"), tuple(rows), (0.2, 0.2, 0.2, 0.2, 0.2), right=(3, 4)),)


def _computation(draft: Draft) -> tuple[Block, ...]:
    """The contract term, and the price line by line."""
    contract = draft.case.contract
    if draft.has_lines or contract is None:
        return ()
    fields = ("contract_id", "procedure_code", "modifiers", "units", "billed_amount", "allowed_amount")
    rows = tuple((Sentence(step.label, fields), Sentence(step.text, fields)) for step in contract.steps)
    term = Paragraph((Sentence(f"{contract.term[:1].upper()}{contract.term[1:]}:", fields),))
    return (term, Table(("Step", "Amount"), rows, (0.75, 0.25), right=(1,), has_total=contract.steps[-1].label in (TOO_LITTLE, TOO_MUCH)))


def _citations(draft: Draft) -> tuple[Block, ...]:
    """The passages that the table of citations gives for all cases alike."""
    common = [told for told in draft.case.citations if all(told in case.citations for case in draft.cases)]
    paragraphs = []
    for told in common:
        text = told.title + (f", {told.section}" if told.section else "") + (f": \u201c{told.quote}\u201d" if told.quote else ".")
        text += f" ({told.url})" if told.url else ""
        paragraphs.append(Paragraph((Sentence(text, ("citations",)),)))
    return tuple(paragraphs)


def _resubmission(draft: Draft) -> tuple[Block, ...]:
    """Frequency code and original claim number, and where they go."""
    row, remedy = draft.case.row, draft.subject.remedy
    code = "1" if remedy == "new_claim" else "8" if draft.void else "7"
    means = {"1": "original claim, no replacement", "7": "replacement of a prior claim", "8": "void of a prior claim"}[code]
    rows = [("Claim frequency code", f"{code} ({means})", "CLM05-3; CMS-1500 item 22; UB-04 FL 4", ("remedy",))]
    if code != "1":
        number = "as in the schedule" if draft.is_project else original_number(draft.case) or "missing: not in the ledger"
        rows.append(("Original claim number", number, "REF*F8; CMS-1500 item 22; UB-04 FL 64", ("payer_claim_number",)))
    if row.claim_id and not draft.is_project:
        rows.append(("Our claim number", row.claim_id, "CLM01; CMS-1500 item 26; UB-04 FL 3a", ("claim_id",)))
    cells = tuple((Sentence(name, fields), Sentence(value, fields), Sentence(where, fields)) for name, value, where, fields in rows)
    return (Table(("Element", "Value", "Where it goes"), cells, (0.28, 0.34, 0.38)),)


def _elements(draft: Draft) -> tuple[Block, ...]:
    """Elements that the denial is about: as sent, and a cell for what the record says."""
    rows = []
    for element in elements_of(draft):
        value = draft.known.get(element.field, "")
        if not value and element.field in _OF_LINE and any(getattr(case.row, element.field) for case in draft.cases):
            value = "as in the schedule"
        label = element.name + (" *" if element.is_coders else "")
        where = Sentence(element.where, ("family", "rarcs"))
        rows.append((Sentence(label, ("family", "rarcs")), where, Sentence(value, (element.field,) if value else ()), Sentence("", ())))
    if not rows:
        return ()
    table = Table(("Element", "Where", "As sent", "Corrected to"), tuple(rows), (0.24, 0.36, 0.2, 0.2))
    if not needs_coder(draft):
        return (table,)
    note = Sentence("* Changed only where the record supports it, and only after the coder's sign-off.", ("family",))
    return (table, Paragraph((note,)))


def _documents(draft: Draft) -> tuple[Block, ...]:
    """Records by name and date, never the entire chart."""
    since = until = Sentence("as in the schedule", ("claims_count",))
    if not draft.is_project:
        rows_ = [case.row for case in draft.cases]
        first = min((row.service_date for row in rows_ if row.service_date), default=None)
        last = max((day for row in rows_ if (day := row.service_date_to or row.service_date)), default=None)
        since = Sentence(short_day(first), ("service_date",)) if first else Sentence("", ())
        until = Sentence(short_day(last), ("service_date", "service_date_to")) if last else Sentence("", ())
    rows = tuple((Sentence(name.text, name.fields or ("rarcs", "family")), since, until) for name in say(draft, "documents"))
    return (Table(("Document", "From", "To"), rows, (0.6, 0.2, 0.2)),) if rows else ()


def _payers(draft: Draft) -> tuple[Block, ...]:
    """The payers that the ledger knows, in their order."""
    # Whoever is only asked for its coverage needs not know who else paid.
    if draft.is_project or draft.subject.remedy == "coverage_discovery":
        return ()
    row, known = draft.case.row, draft.known
    rows = [(draft.names.get(row.payer_id, row.payer_id), "decided" if row.remit_date else "billed", known.get("paid_amount", ""))]
    if row.next_payer_id:
        paid = known.get("other_payer_paid_amount", "")
        rows.append((draft.names.get(row.next_payer_id, row.next_payer_id), "next payer", paid))
    names = (("payer_id", "next_payer_id"), ("remit_date",), ("paid_amount", "other_payer_paid_amount"))
    cells = tuple(tuple(Sentence(text, names[at] if text else ()) for at, text in enumerate(line)) for line in rows)
    return (Table(("Payer", "State", "Paid"), cells, (0.5, 0.3, 0.2), right=(2,)),)


_SCHEDULE = (
    ("Our claim", "claim_id", 0.14),
    ("Line", "line_number", 0.06),
    ("Your claim", "payer_claim_number", 0.2),
    ("Service", "service_date", 0.13),
    ("Procedure", "procedure_code", 0.12),
    ("Billed", "billed_amount", 0.13),
    ("Not paid", "writeoff_amount", 0.13),
)
_DISPUTED = (
    ("Our claim", "claim_id", 0.12),
    ("Your claim", "payer_claim_number", 0.18),
    ("Service", "service_date", 0.12),
    ("Procedure", "procedure_code", 0.11),
    ("Contract", "contract_id", 0.12),
    ("Allowed", "allowed_amount", 0.12),
    ("Agreed", "contract_price", 0.12),
    ("Short", "contract_short", 0.12),
)


_LINES = (
    ("Line", "line_number", 0.08),
    ("Service", "service_date", 0.16),
    ("Procedure", "procedure_code", 0.16),
    ("Modifiers", "modifiers", 0.14),
    ("Billed", "billed_amount", 0.16),
    ("Not paid", "writeoff_amount", 0.16),
)
_REASON = ("Reason", "adjustment", 0.11)


def _schedule(draft: Draft) -> tuple[Block, ...]:
    """The claims of a project, or the postings of one claim, with their sums; where reasons differ each with its own."""
    if not draft.has_lines:
        return ()
    if draft.subject.remedy == "coverage_discovery":
        days = dict.fromkeys(tuple(_schedule_cell(case, name) for name in ("claim_id", "service_date")) for case in draft.cases)
        return (Table(("Our claim", "Service"), tuple(days), (0.5, 0.5)),)
    is_disputed = draft.kind == "underpayment" and all(case.contract is not None for case in draft.cases)
    columns = _DISPUTED if is_disputed else _SCHEDULE if draft.is_project else _LINES
    if len({(case.row.group_code, case.row.carc, case.row.rarcs) for case in draft.cases}) > 1 and not is_disputed:
        columns = (*columns[:-2], _REASON, *columns[-2:])
    rows = [tuple(_schedule_cell(case, name) for _, name, _ in columns) for case in draft.cases]
    sums = {"writeoff_amount": "total_writeoff", "allowed_amount": "total_allowed", "contract_price": "total_contract"}
    sums["contract_short"] = "total_short"
    totals = [draft.known.get(sums.get(name, ""), "") for _, name, _ in columns]
    has_total = any(totals)
    if has_total:
        last = tuple(Sentence(text, (sums[name],) if text else ()) for text, (_, name, _) in zip(totals, columns, strict=True))
        rows.append((Sentence("Total", ("claims_count",)), *last[1:]))
    right = tuple(at for at, (_, name, _) in enumerate(columns) if name.endswith("_amount") or name in ("contract_price", "contract_short"))
    share = sum(width for _, _, width in columns)
    widths = tuple(width / share for _, _, width in columns)
    number = number_label(draft).removesuffix(" number")
    head = tuple(number if name == "payer_claim_number" else label for label, name, _ in columns)
    return (Table(head, tuple(rows), widths, right=right, has_total=has_total),)


def _schedule_cell(case: Case, name: str) -> Sentence:
    contract, row = case.contract, case.row
    text: str | None
    if name == "claim_id":
        text = row.claim_id or row.writeoff_id
    elif name == "service_date":
        text = short_day(row.service_date) if row.service_date else None
    elif name == "contract_id":
        text = contract.contract_id if contract else row.contract_id
    elif name == "contract_price":
        text = exact_dollars(contract.allowed) if contract else None
    elif name == "contract_short":
        text = exact_dollars(contract.short) if contract and contract.short is not None else None
    elif name == "adjustment":
        code = "-".join(part for part in (row.group_code, row.carc) if part)
        text = " ".join(part for part in (code, row.rarcs or "") if part)
    else:
        text = read_cell(name, getattr(row, name))
    return Sentence(text or "", (name,) if text else ())


def _enclosures(draft: Draft) -> tuple[Block, ...]:
    """What goes with the letter: the files given, else the papers that the remedy needs and that are there."""
    if draft.attachments:
        return (Listing(tuple(Item(title, "", ("attachments",)) for title in draft.attachments)),)
    items = tuple(Item(item.text, "", item.fields) for item, is_enclosed in evidence(draft) if is_enclosed)
    return (Listing(items),) if items else ()


_BUILT: Mapping[str, Callable[[Draft], tuple[Block, ...]]] = {
    "patient": _patient,
    "claim": _claim,
    "remits": _remits,
    "computation": _computation,
    "citations": _citations,
    "resubmission": _resubmission,
    "payers": _payers,
    "schedule": _schedule,
    "enclosures": _enclosures,
}
