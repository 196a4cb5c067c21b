"""Rules about what was posted against what the remittance says."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from features.deadlines import SOURCES, deadlines
from features.money import NULL
from serving.findings.case import Case, Flags
from serving.findings.rates import LEAST
from serving.findings.remits import TakenBack
from serving.findings.rule import Hits, Place, Rule
from serving.findings.told import NO_LINE, UNKNOWN_CLAIM, Adjusted, Line
from serving.findings.words import day, dollars, reason


def _duplicate(case: Case) -> Hits:
    hits, first = Hits(), _first_of_copies(case)
    for row in np.flatnonzero(case.is_copy).tolist():
        before = first.get(_copy_key(case, row))
        gap = "" if before is None else f", {int(case.columns['writeoff_date'][row] - case.columns['writeoff_date'][before])} days later"
        told = "an earlier posting" if before is None else f"posting {case.columns['writeoff_id'][before]}"
        amount = int(case.columns["writeoff_amount"][row])
        hits.add(row, amount, f"{dollars(amount)} repeats {told} of the same claim line, reason and amount{gap}")
    return hits


def _copy_key(case: Case, row: int) -> tuple[int, ...]:
    c = case.columns
    names = ("line_number", "group_code", "carc", "adjustment_code", "writeoff_amount")
    return int(case.claim[row]), *(int(c[name][row]) for name in names)


def _first_of_copies(case: Case) -> dict[tuple[int, ...], int]:
    wanted = {_copy_key(case, row) for row in np.flatnonzero(case.is_copy).tolist()}
    claims = {key[0] for key in wanted}
    found: dict[tuple[int, ...], int] = {}
    rows = np.flatnonzero(np.isin(case.claim, list(claims)) & ~case.is_copy & ~case.is_reversed)
    for row in rows[np.argsort(case.columns["writeoff_date"][rows], kind="stable")].tolist():
        found.setdefault(_copy_key(case, row), row)
    return found


def _coded(case: Case) -> list[tuple[int, Line, str | None, str | None]]:
    """Return the standing rows that have a reason code, with the line of the remittance that they were found on."""
    return case.once("coded rows", lambda: _coded_rows(case))


def _coded_rows(case: Case) -> list[tuple[int, Line, str | None, str | None]]:
    assert case.told is not None
    groups, carcs = case.words("group_code"), case.words("carc")
    rows = np.flatnonzero(case.is_live & (case.told.line >= 0) & (case.columns["carc"] >= 0))
    return [(row, case.told.lines[int(case.told.line[row])], groups[row], carcs[row]) for row in rows.tolist()]


def _more_than_remit(case: Case) -> Hits:
    """Add up what was posted under each reason of a line; what goes beyond the remittance is on the posting that went over."""
    hits: Hits = Hits()
    posted: defaultdict[tuple[tuple[int, int], str | None, str | None], int] = defaultdict(int)
    days, hidden = case.columns["writeoff_date"], hidden_refusals(case)
    for row, line, group, carc in sorted(_coded(case), key=lambda one: (int(days[one[0]]), one[0])):
        alike = line.of(group, carc)
        if not alike or row in hidden:
            continue
        allowed, amount = sum(one.cents for one in alike), int(case.columns["writeoff_amount"][row])
        posted[line.key, group, carc] += amount
        over = min(amount, posted[line.key, group, carc] - allowed)
        if over > 0:
            told = f"{dollars(posted[line.key, group, carc])} posted under {reason(group, carc)}; the remittance adjusts {dollars(allowed)}"
            hits.add(row, over, told, Place(line.file, alike[0].segment, line.claim_id))
    return hits


def _contractual_on_denial(case: Case) -> Hits:
    hits = Hits()
    groups, carcs = case.words("group_code"), case.words("carc")
    for row, (line, one) in hidden_refusals(case).items():
        amount = int(case.columns["writeoff_amount"][row])
        known = case.codes.carc(one.carc)
        family = known.family.replace("_", " ") if known is not None else "unknown"
        told = f"posted as {reason(groups[row], carcs[row])}; for the same {dollars(amount)} the payer said {reason(one.group, one.carc)}"
        hits.add(row, amount, f"{told} ({family})", Place(line.file, one.segment, line.claim_id))
    return hits


def hidden_refusals(case: Case) -> dict[int, tuple[Line, Adjusted]]:
    """Return the hidden refusals of a case, looked for once; see `_hidden_refusals`."""
    return case.once("hidden refusals", lambda: _hidden_refusals(case))


def _hidden_refusals(case: Case) -> dict[int, tuple[Line, Adjusted]]:
    """Return the fee cuts of the ledger whose amount the line does not have under that reason, but under one that may be contested."""
    found: dict[int, tuple[Line, Adjusted]] = {}
    if case.told is None:
        return found
    is_fee_cut = case.family("contractual")
    for row, line, _, carc in _coded(case):
        amount = int(case.columns["writeoff_amount"][row])
        if not is_fee_cut[row] or any(one.cents == amount and one.carc == carc for one in line.adjusted):
            continue
        for one in line.adjusted:
            known = case.codes.carc(one.carc)
            if one.cents == amount and one.group != "PR" and known is not None and known.recoverability in ("high", "medium", "low"):
                found[row] = line, one
                break
    return found


def _liability_as_patient_debt(case: Case) -> Hits:
    """The practice's own share posted against the patient: the amount is the payer's CO or PI, and no patient share is as large."""
    assert case.told is not None
    hits = Hits()
    is_debt = case.category("bad_debt", "patient_responsibility") | _says_patient(case)
    codes = case.words("adjustment_code")
    for row in np.flatnonzero(case.is_live & is_debt & (case.told.line >= 0)).tolist():
        line, amount = case.told.of(row), int(case.columns["writeoff_amount"][row])
        if line is None or line.owed("PR") >= amount:
            continue
        for one in line.adjusted:
            if one.group in ("CO", "PI") and one.cents == amount:
                as_ = f"adjustment code {codes[row]}" if codes[row] else "the patient's debt"
                told = f"posted as {as_}; the payer put these {dollars(amount)} on the provider ({reason(one.group, one.carc)})"
                share = f", the patient's share of the line is {dollars(line.owed('PR'))}"
                hits.add(row, amount, told + share, Place(line.file, one.segment, line.claim_id))
                break
    return hits


def _says_patient(case: Case) -> Flags:
    code = case.ledger.vocabulary.find("group_code", "PR")
    mask: Flags = (case.columns["group_code"] == code) if code >= 0 else np.zeros(len(case), dtype=np.bool_)
    return mask


def _patient_share_with_secondary(case: Case) -> Hits:
    hits, c = Hits(), case.columns
    is_next, is_held = c["next_payer_id"] >= 0, c["other_coverage_on_file"] == 1
    rows = case.is_live & _says_patient(case) & (is_next | is_held) & ~(c["other_payer_paid_amount"] > 0) & ~case.category("wait")
    nexts = case.words("next_payer_id")
    for row in np.flatnonzero(rows).tolist():
        whose = f"payer {nexts[row]} is billed next" if is_next[row] else "other coverage is on file"
        amount = int(c["writeoff_amount"][row])
        hits.add(row, amount, f"the patient's {dollars(amount)} was written off while {whose} and no other payer has answered")
    return hits


def _before_window_closed(case: Case) -> Hits:
    """Judged as of the posting day: the remedy's last day was still ahead, and nobody had tried it."""
    hits, c = Hits(), case.columns
    rows = np.flatnonzero(case.is_live & case.category("denial") & case.is_adverse & ~_tried_before(case))
    if not len(rows):
        return hits
    posted = c["writeoff_date"][rows]
    own = replace(case.view.triage.take(rows), remedy=case.view.deadlines.own_remedy[rows])
    dated = deadlines(case.ledger.take(rows), own, rules=case.practice.payer_rules, as_of=posted)
    left = dated.day - posted
    # A reopening after the appeal had lapsed is no window that the posting closed.
    sure = ~dated.has_moved & (dated.day != NULL) & (left >= 0)
    sure &= (dated.source != SOURCES.index("default")) & (dated.source != SOURCES.index("none"))
    for at in np.flatnonzero(sure).tolist():
        row = int(rows[at])
        whose = f"until {day(dated.day[at])} ({SOURCES[dated.source[at]]}), {left[at]} days on"
        told = f"written off on {day(posted[at])}; the payer could be asked {whose}"
        hits.add(row, int(c["writeoff_amount"][row]), f"{told}, and no effort is on record before it")
    return hits


def _tried_before(case: Case) -> Flags:
    """Return the rows on which an effort was begun before or on the day of the posting, or that were sent or appealed again."""
    tried = (case.given("resubmission_count") > 0) | (case.given("denial_count") > 1)
    if case.efforts is not None and len(case.efforts):
        first, rows = np.full(len(case), 2**62, dtype=np.int64), case.effort_rows
        np.minimum.at(first, rows[rows >= 0], case.efforts.columns["worked_date"][rows >= 0])
        tried = tried | (first <= case.columns["writeoff_date"])
    return np.asarray(tried)


def _no_remit(case: Case) -> Hits:
    """Rows that claim to come from a remittance of a payer whose remittances are in hand, and are not in them."""
    assert case.told is not None and case.remits is not None
    hits, c = Hits(), case.columns
    spans, unsure = case.remits.spans, incomplete_payers(case)
    payers = case.words("payer_id")
    rows = np.flatnonzero(case.is_live & (c["carc"] >= 0) & np.isin(case.told.line, (UNKNOWN_CLAIM, NO_LINE)))
    for row in rows.tolist():
        span = spans.get(payers[row] or "")
        named = c["remit_file"][row]
        covered = named in case.remits.files if named is not None else _is_in(span, _remitted_on(case, row))
        if not covered or (named is None and payers[row] in unsure):
            continue
        what = (
            "no remittance in hand has this claim"
            if case.told.line[row] == UNKNOWN_CLAIM
            else "the claim's remittances by that day have no such line"
        )
        span_told = "" if span is None else f" (those of its payer run from {day(span[0])} to {day(span[1])})"
        amount = int(c["writeoff_amount"][row])
        hits.add(row, amount, f"{dollars(amount)} posted on {day(c['writeoff_date'][row])}: {what}{span_told}")
    return hits


def _remitted_on(case: Case, row: int) -> int:
    """Return the day of a row's remittance, else of its posting: what is posted after the last file in hand may stem from the next one."""
    said = int(case.columns["remit_date"][row])
    return said if said != NULL else int(case.columns["writeoff_date"][row])


def _is_in(span: tuple[int, int] | None, day: int) -> bool:
    return span is not None and span[0] <= day <= span[1]


COMPLETE = 0.5
"""Share of a payer's postings in the time of its remittances that must be on one, before a posting that is on none is told."""


def incomplete_payers(case: Case) -> dict[str, tuple[int, int]]:
    """Return the payers of whose remittances many seem not to be in hand: postings found on one, of how many in their time.

    A practice that hands in some of its files has write-offs without a remittance all over; that is no finding. Payers with few
    postings are not judged.
    """
    return case.once("incomplete payers", lambda: _incomplete_payers(case))


def _incomplete_payers(case: Case) -> dict[str, tuple[int, int]]:
    if case.told is None or case.remits is None:
        return {}
    c, words = case.columns, case.ledger.vocabulary.words("payer_id")
    on = np.where(c["remit_date"] != NULL, c["remit_date"], c["writeoff_date"])
    rows = np.flatnonzero(case.is_live & (c["carc"] >= 0) & (c["payer_id"] >= 0))
    payer = c["payer_id"][rows]
    spans = [case.remits.spans.get(word, (1, 0)) for word in words]
    first, last = (np.array([span[end] for span in spans] or [0], dtype=np.int64)[payer] for end in (0, 1))
    dated = (on[rows] >= first) & (on[rows] <= last)
    known = np.bincount(payer[dated & ~np.isin(case.told.line[rows], (UNKNOWN_CLAIM, NO_LINE))], minlength=len(words))
    count = np.bincount(payer[dated], minlength=len(words))
    few = np.flatnonzero((count >= LEAST) & (known < COMPLETE * count))
    return {words[code]: (int(known[code]), int(count[code])) for code in few.tolist()}


def _take_back(case: Case) -> Hits:
    """PLB pairs that take money of one claim back, and no later row of the ledger on that claim has the amount."""
    assert case.remits is not None
    hits, recouped = Hits(), case.category("payer_recoupment")
    amount, posted = case.columns["writeoff_amount"], case.columns["writeoff_date"]

    def has(rows: list[int], one: TakenBack) -> bool:
        return any(recouped[row] or abs(int(amount[row])) == one.cents for row in rows if posted[row] >= one.day)

    by_claim = _rows_of(case, "claim_id", {one.claim_id for one in case.remits.taken_back}) if case.is_ledger else {}
    for one in case.remits.taken_back:
        if has(by_claim.get(one.claim_id, []), one):
            continue
        where = "no posting on that claim since then has the amount" if case.is_ledger else "check that the ledger has it"
        told = f"{one.reason} of {day(one.day)} takes {dollars(one.cents)} back from claim {one.claim_id}; {where}"
        hits.add(-1, one.cents, told, Place(one.file, one.segment, one.claim_id))
    for one, rows in take_backs_by_number(case):
        if rows and not has(rows, one):
            claim = case.columns["claim_id"][rows[0]]
            told = f"{one.reason} of {day(one.day)} takes {dollars(one.cents)} back from the payer's claim {one.claim_id}"
            hits.add(-1, one.cents, f"{told}; no posting on it since then has the amount", Place(one.file, one.segment, claim))
    return hits


def take_backs_by_number(case: Case) -> list[tuple[TakenBack, list[int]]]:
    """Return what was taken back of claims whose remittance is not in hand, with the rows of the ledger that have the payer's number."""
    unnamed = case.remits.unnamed if case.remits is not None else []
    rows = _rows_of(case, "payer_claim_number", {one.claim_id for one in unnamed}) if case.is_ledger else {}
    return [(one, rows.get(one.claim_id, [])) for one in unnamed]


def _rows_of(case: Case, name: str, wanted: set[str]) -> dict[str, list[int]]:
    """Return the rows of the ledger that have one of these ids."""
    found: dict[str, list[int]] = {}
    for row, key in enumerate(case.columns[name].tolist()) if wanted else ():
        if key in wanted:
            found.setdefault(key, []).append(row)
    return found


def _retired(case: Case) -> Hits:
    """Judged on the day of the remittance, else of the posting; remarks that stand beside the reason too."""
    hits, c, codes = Hits(), case.columns, case.codes
    on = np.where(c["remit_date"] != NULL, c["remit_date"], c["writeoff_date"])
    carcs, remarks = case.words("carc"), case.words("rarcs")
    retired: dict[tuple[str, ...], tuple[str, int]] = {}
    for name, words in (("carc", carcs), ("rarcs", remarks)):
        for word in {word for word in words if word}:
            for part in word.split():
                known = codes.carcs.get(part) if name == "carc" else codes.rarcs.get(part)
                if known is not None and known.effective_to is not None:
                    retired[name, part] = (
                        f"{'reason' if name == 'carc' else 'remark'} {part}",
                        int(np.datetime64(known.effective_to).astype(np.int64)),
                    )
    if not retired:
        return hits
    suspects = {part for _, part in retired}
    for row in np.flatnonzero(case.is_live).tolist():
        carc, said = carcs[row], remarks[row]
        if carc not in suspects and not (said and any(part in suspects for part in said.split())):
            continue
        for key in (("carc", carc or ""), *(("rarcs", part) for part in (said or "").split())):
            found = retired.get(key)
            if found is not None and on[row] >= found[1]:
                told = f"{found[0]} is out of force since {day(found[1])}; used on {day(on[row])}"
                after = codes.carcs[key[1]].successors if key[0] == "carc" else ()
                hits.add(row, int(c["writeoff_amount"][row]), told + (f"; now {' or '.join(after)}" if after else ""))
                break
    return hits


RULES = (
    Rule(
        "duplicate_posting",
        "posting",
        "high",
        "The same write-off of the same claim line was posted again.",
        "DOMAIN 3",
        _duplicate,
        ("ledger",),
    ),
    Rule(
        "posted_more_than_remit",
        "posting",
        "high",
        "More was written off under a reason than the remittance adjusts under it.",
        "005010X221A1 1.10.2.1: charge less adjustments is payment",
        _more_than_remit,
        ("ledger", "remits"),
    ),
    Rule(
        "contractual_posted_on_denial",
        "posting",
        "high",
        "A refusal of the payer was posted under the code of a contractual fee cut, where nobody looks for it again.",
        "DOMAIN 0.2",
        _contractual_on_denial,
        ("ledger", "remits"),
    ),
    Rule(
        "provider_liability_as_patient_debt",
        "posting",
        "high",
        "What the payer put on the provider (CO, PI) was posted as the patient's debt; the patient may never be asked for it.",
        "DOMAIN 2.12; 42 CFR 447.15, 42 CFR 422.504(g) for public plans",
        _liability_as_patient_debt,
        ("ledger", "remits"),
    ),
    Rule(
        "patient_share_with_secondary",
        "posting",
        "medium",
        "The patient's share was written off while another payer is known that has not answered.",
        "DOMAIN 2.12 and 3",
        _patient_share_with_secondary,
        ("ledger",),
    ),
    Rule(
        "written_off_before_window_closed",
        "posting",
        "low",
        "A refusal was written off untried while the time to ask the payer was still running.",
        "DOMAIN 2.11; docs/rules.md, deadlines",
        _before_window_closed,
        ("ledger",),
    ),
    Rule(
        "missing_remit_support",
        "posting",
        "high",
        "A write-off with a payer's reason code is in no remittance, although those of its payer and time are in hand.",
        "DOMAIN 0.1",
        _no_remit,
        ("ledger", "remits"),
    ),
    Rule(
        "take_back_not_posted",
        "posting",
        "high",
        "The payer held money of a claim back (PLB) and the ledger shows no posting of it.",
        "005010X221A1 1.10.2.17; DOMAIN 2.5",
        _take_back,
        ("remits",),
    ),
    Rule(
        "retired_code",
        "posting",
        "low",
        "A reason or remark code was used after its last day.",
        "X12 code lists with their stop dates (features/codes)",
        _retired,
    ),
)
