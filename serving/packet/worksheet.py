"""The worksheet: what the staff must know and do, and what no payer should read."""

from __future__ import annotations

from features.money import exact_dollars
from serving.packet.case import lines_of
from serving.packet.document import Block, Document, Fact, Facts, Item, Listing, Paragraph, Section, Sentence, Table
from serving.packet.draft import Draft, evidence, say
from serving.packet.words import cited, long_day

SOURCES = {
    "ledger": "from the ledger",
    "payer_rule": "from the payer's rule",
    "statute": "set by law",
    "remark": "from a remark code",
    "default": "90 days by default: check with the payer",
    "none": "",
}
"""Who set a deadline, in words."""


def write_worksheet(draft: Draft, missing: tuple[str, ...], letter: Document) -> Document:
    """Write the sheet that stays in the house."""
    sections = (
        Section("step", "Next step", _step(draft)),
        Section("missing", "Before it goes out", _missing(missing)),
        Section("deadline", "Deadline", _deadline(draft)),
        Section("amounts", "Amounts", _amounts(draft)),
        Section("guards", "Ask first, and never", _guards(draft)),
        Section("evidence", "Evidence", (Listing(tuple(item for item, _ in evidence(draft)), numbered=False),)),
        Section("sent", "When it is sent", _sent(draft)),
    )
    return Document(
        kind="worksheet",
        title="Worksheet (internal, not to be sent)",
        reference=f"{letter.title[:1].lower()}{letter.title[1:]}, {letter.reference}",
        prepared=letter.prepared,
        sender=letter.sender,
        addressee=(),
        sections=tuple(section for section in sections if section.blocks and section.blocks != (Listing((), numbered=False),)),
        is_letter=False,
    )


def _step(draft: Draft) -> tuple[Block, ...]:
    steps = dict.fromkeys(case.next_step for case in draft.cases if case.next_step)
    whys = dict.fromkeys(case.why for case in draft.cases if case.why)
    told = [Sentence(step, ("next_step",)) for step in steps] + [Sentence(why, ("why",)) for why in whys]
    advice = tuple(Sentence(said.text, said.fields or ("remedy", "rarcs")) for said in say(draft, "advice"))
    return tuple(Paragraph(part) for part in (_stage(draft), tuple(told), advice) if part)


def _stage(draft: Draft) -> tuple[Sentence, ...]:
    """Which level comes next, and what was decided below it; of the first level there is nothing to tell."""
    known = draft.known
    if "level" not in known:
        return ()
    text = f"Level {draft.subject.level} comes next"
    text += (
        f": the {known['level_below']} level ended with the decision of {known['prior_decision_date']}"
        if "prior_decision_date" in known
        else ""
    )
    to = f" It goes to {known['reviewer']}." if "reviewer" in known else ""
    return (Sentence(f"{text}.{to}", ("level", "prior_decision_date", "reviewer")),)


def _missing(missing: tuple[str, ...]) -> tuple[Block, ...]:
    items = tuple(Item(text[:1].upper() + text[1:], "", ("status",)) for text in missing)
    return (Listing(items, numbered=False),) if items else ()


def _deadline(draft: Draft) -> tuple[Block, ...]:
    """The last day and who says so; of a project the first one, and the lines that are near or past it."""
    dated = sorted((case.due.day, case.row.writeoff_id, case) for case in draft.cases if case.due is not None)
    if not dated:
        return (Paragraph((Sentence("No date is known from which a limit could be counted.", ("deadline_date",)),)),)
    day, _, case = dated[0]
    assert case.due is not None
    left = (day - case.day).days
    when = f"{left} days left" if left > 0 else "today" if left == 0 else f"passed {-left} days ago"
    rows = [
        Fact(
            "First of all lines" if draft.has_lines and dated[0][0] != dated[-1][0] else "Last day",
            f"{long_day(day)} ({when})",
            ("deadline_date", "as_of"),
        ),
        Fact("Source", SOURCES.get(case.due.source, case.due.source), ("deadline_source",)),
    ]
    if case.due.rule:
        rows.append(Fact("Rule", cited(case.due.rule, case.due.citation), ("deadline_rule",)))
    if case.due.needs_cause:
        rows.append(Fact("Open for", "good cause alone, which must be shown", ("deadline_rule",)))
    if case.due.lapsed_day is not None and not draft.is_project:
        told = f"{case.due.lapsed_remedy.replace('_', ' ')} until {long_day(case.due.lapsed_day)}"
        rows.append(Fact("Lapsed before it", told, ("deadline_lapsed",)))
    if draft.is_project:
        passed = sum(day < case.day for day, _, case in dated)
        rows.append(Fact("Lines past their day", f"{passed} of {len(draft.cases)}", ("deadline_date", "as_of")))
    return (Facts(tuple(rows)),)


_AMOUNTS = (
    ("Billed", "billed_amount"),
    ("Allowed", "allowed_amount"),
    ("Paid", "paid_amount"),
    ("Paid by other payers", "other_payer_paid_amount"),
    ("Patient's share", "patient_responsibility_amount"),
    ("Written off", "writeoff_amount"),
)
_SCORED = (("Recoverable at most", "recoverable_amount"), ("Expected if worked", "expected_recovery"))


def _amounts(draft: Draft) -> tuple[Block, ...]:
    """From billed to recoverable, summed over a project; a sum says of how many lines it is."""
    rows = []
    for label, name in (*_AMOUNTS, *_SCORED):
        of_row = (label, name) in _AMOUNTS
        # Several postings may be of one line: what was billed and paid on it counts once.
        counted = lines_of(draft.cases) if of_row and name != "writeoff_amount" else draft.cases
        values = [value for case in counted if (value := getattr(case.row if of_row else case.score, name)) is not None]
        if values:
            some = label if len(values) == len(counted) else f"{label} (known of {len(values)} lines)"
            rows.append((Sentence(some, (name,)), Sentence(exact_dollars(sum(values)), (name,))))
    blocks: list[Block] = [Table(("Amount", "Dollars"), tuple(rows), (0.7, 0.3), right=(1,))] if rows else []
    if draft.case.unpriced and not draft.has_lines:
        blocks.append(Paragraph((Sentence(f"The contract does not price the line: {draft.case.unpriced}.", ("contract_id",)),)))
    if draft.case.contract is not None and not draft.has_lines:
        text = f"The contract's price is that of row {draft.case.contract.place} of the contract rates: {draft.case.contract.term}."
        blocks.append(Paragraph((Sentence(text, ("contract_id",)),)))
    return tuple(blocks)


def _guards(draft: Draft) -> tuple[Block, ...]:
    """What to ask, and what is forbidden, with the rule; never more than once."""
    found: dict[str, Item] = {}
    for case in draft.cases:
        for guard in case.guards:
            word = "" if guard.is_question else "Never: "
            found.setdefault(guard.rule_id, Item(word + cited(guard.sentence, guard.citation), "", ("guards", guard.rule_id)))
    groups = sorted({case.row.group_code for case in draft.cases if case.row.group_code not in ("PR", None)} - {None})
    if groups:
        text = f"Never: bill the patient for this amount; the remittance puts it in group {', '.join(map(str, groups))}, not in PR."
        found.setdefault("patient.group", Item(text, "", ("group_code",)))
    return (Listing(tuple(found.values()), numbered=False),) if found else ()


def _sent(draft: Draft) -> tuple[Block, ...]:
    days = draft.texts.follow_up_days
    text = f"Nothing is sent by itself. Enter channel, reference and day once it is sent; ask again {days} days after (a practice norm)."
    rows = tuple((Sentence(label, ("remedy",)), Sentence("", ())) for label in ("Sent on", "Channel", "Reference", "Ask again on"))
    return (Paragraph((Sentence(text, ("remedy",)),)), Table(("To enter", ""), rows, (0.3, 0.7)))
