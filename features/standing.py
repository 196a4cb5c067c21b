"""Who may ask: standing to appeal by track, and what may be sent to the payer at all."""

from __future__ import annotations

import numpy as np

from features.batch import Batch
from features.codes.meaning import PAYER_TYPE, REMEDY
from features.codes.steps import STEP_CONSENT, STEP_NETWORK, STEP_PART2, STEP_WAIVER
from features.guards import BIT, Whole
from features.rowwise import as_type, full, is_any, take, where
from features.tables import PAYER_TYPES, REMEDIES, Columns

_APPEALS = ("appeal", "peer_to_peer", "send_records")
_STAYS_HERE = ("posting_correction", "coverage_discovery", "patient_billing", "patient_outreach", "compliance_review", "none")
IS_SENT = np.array([remedy not in _STAYS_HERE for remedy in REMEDIES])
"""Remedies that disclose the service to a payer."""

_NONE, _WAIVER, _TRICARE, _MEMBER, _REVIEW = range(5)
_RULES = np.array(
    [0, *(BIT[f"standing.{name}"] for name in ("waiver", "tricare_network", "member_consent", "outside_review"))], dtype=np.int64
)
NO_STANDING = BIT["standing.tricare_network"]
"""Refusals that bar the remedy itself; the others bar it until a form is signed."""


_TRACK_OF = {
    "medicare_advantage": _WAIVER,
    "tricare": _TRICARE,
    "medicaid_managed": _MEMBER,
    "commercial": _MEMBER,
    "bcbs": _MEMBER,
}
_UNKNOWN, _IN, _OUT = range(3)
_CONSENT = BIT["standing.member_consent"] | BIT["standing.outside_review"]


def _tracks() -> Whole:
    """Return which rule of standing an appeal is under, by payer type (last: unknown) and remedy, flat."""
    table = np.zeros((len(PAYER_TYPES) + 1, len(REMEDIES)), dtype=np.int64)
    for payer_type, rule in _TRACK_OF.items():
        table[PAYER_TYPE[payer_type], REMEDY["appeal"]] = rule
    table[:, REMEDY["external_review"]] = _REVIEW
    return table.ravel()


def _answers() -> tuple[Whole, Whole]:
    """Return what is refused and asked by track, network (unknown, in, out) and consent (-1 null, 0, 1), flat.

    A provider under contract disputes in its own name; TRICARE alone bars those in the network, for good unless the patient
    appoints them. A missing form refuses, an unknown one asks; an unknown network asks where a form may be needed, but not of
    every claim of a commercial plan.
    """
    refused, asked = np.zeros(5 * 9, dtype=np.int64), np.zeros(5 * 9, dtype=np.int64)
    for track in (_WAIVER, _TRICARE, _MEMBER, _REVIEW):
        for network in (_UNKNOWN, _IN, _OUT):
            bites = track == _REVIEW or network == (_IN if track == _TRICARE else _OUT)
            for consent in (-1, 0, 1):
                place = (track * 3 + network) * 3 + consent
                if bites and (consent == 0 or (track == _TRICARE and consent < 0)):
                    refused[place] = _RULES[track]
                elif consent < 0 and (bites or (network == _UNKNOWN and track != _MEMBER)):
                    asked[place] = _RULES[track]
    return refused, asked


_TRACKS, (_REFUSED, _ASKED) = _tracks(), _answers()


def judge_sending(batch: Batch, payer_type: Whole, remedy: Whole, step: Whole) -> tuple[Whole, Whole, Whole, Whole]:
    """Return remedy and next step as standing and disclosure leave them, and what both refuse and ask, as bits of `features.guards`.

    Parameters
    ----------
    batch
        The write-offs.
    payer_type, remedy, step
        Places in `PAYER_TYPES` (-1: unknown), `REMEDIES` and the next steps.
    """
    refused, asked = judge_disclosure(batch.columns, remedy)
    standing = judge_standing(batch, payer_type, remedy)
    if standing is not None:
        barred, asking = standing
        refused, asked = refused | barred, asked | asking
        if is_any(barred):
            is_none = barred & NO_STANDING > 0
            step = where(barred & _CONSENT > 0, STEP_CONSENT, where(barred & BIT["standing.waiver"] > 0, STEP_WAIVER, step))
            remedy, step = where(is_none, REMEDY["contract_dispute"], remedy), where(is_none, STEP_NETWORK, step)
    is_part2 = refused & _PART2 > 0
    if is_any(is_part2):
        step = where(is_part2, STEP_PART2, step)
    return remedy, step, refused, asked


def judge_standing(batch: Batch, payer_type: Whole, remedy: Whole) -> tuple[Whole, Whole] | None:
    """Return what bars an appeal and what must be asked before it, as bits of `features.guards`; None: nothing anywhere.

    Parameters
    ----------
    batch
        The write-offs.
    payer_type, remedy
        Places in `PAYER_TYPES` (-1: unknown) and `REMEDIES`.
    """
    track = take(_TRACKS, as_type(payer_type, np.int64) * len(REMEDIES) + remedy)
    if not is_any(track):
        return None
    columns, find = batch.columns, batch.vocabulary.find
    status, network = columns["network_status"], full(track, _UNKNOWN)
    for word, kind in (("in", _IN), ("out", _OUT)):
        # A word that the vocabulary lacks has code -1, as null has: both are unknown.
        network = where((status >= 0) & (status == find("network_status", word)), kind, network)
    place = (track * 3 + network) * 3 + columns["appeal_consent_on_file"]
    return take(_REFUSED, place), take(_ASKED, place)


def judge_disclosure(columns: Columns, remedy: Whole) -> tuple[Whole, Whole]:
    """Return what must not leave for the payer, and what must be asked before, as bits of `features.guards`.

    42 CFR 2.31: substance-use records need consent. 45 CFR 164.522(a)(1)(vi): what the patient paid for and restricted stays here.
    """
    part2, restricted = columns["part2"], columns["self_pay_restriction"]
    asked = take(_DISCLOSURE, (as_type(remedy, np.int64) * 3 + part2) * 3 + restricted)
    refused = full(remedy, 0)
    if is_any(part2 == 1) or is_any(restricted == 1):
        is_sent, consent = take(IS_SENT, remedy), columns["appeal_consent_on_file"]
        is_part2 = is_sent & (part2 == 1)
        refused = where(is_part2 & (consent == 0), _PART2, 0)
        asked |= where(is_part2 & (consent < 0), _PART2, 0)
        refused |= where(is_sent & (restricted == 1), _SELF_PAY, 0)
    return refused, asked


_PART2, _SELF_PAY = BIT["part2.consent"], BIT["restriction.self_pay"]


def _ask_disclosure() -> Whole:
    """Return what is asked by remedy and the two flags (-1 null, 0, 1), flat; places below 0 count from the end."""
    table = np.zeros((len(REMEDIES), 3, 3), dtype=np.int64)
    table[:, -1, :] |= _PART2
    table[:, :, -1] |= _SELF_PAY
    table[~IS_SENT] = 0
    flat = np.zeros(9 * len(REMEDIES), dtype=np.int64)
    for remedy in range(len(REMEDIES)):
        for part2 in (-1, 0, 1):
            for restricted in (-1, 0, 1):
                flat[(remedy * 3 + part2) * 3 + restricted] = table[remedy, part2, restricted]
    return flat


_DISCLOSURE = _ask_disclosure()
