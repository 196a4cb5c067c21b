"""The claims: who was treated where and when, for which payer, and what the practice had on file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recoup.sample.arrays import Bools, Floats, Ints, pick, stream
from recoup.sample.payers import Payers

PROVIDERS, FACILITIES = 40, 8
LINES_WEIGHT: Floats = np.array([0.0, 0.45, 0.28, 0.17, 0.10])
PLACES = ("11", "22", "23", "24")
PLACE_WEIGHT: Floats = np.array([0.55, 0.28, 0.07, 0.10])


@dataclass(frozen=True)
class Claims:
    """One entry per claim as the payer answered it; days since 1970-01-01; `lines` counts its service lines."""

    payer: Ints
    plan: Ints
    provider: Ints
    facility: Ints
    place: Ints
    specialty: Ints
    lines: Ints
    is_secondary: Bools
    service_day: Ints
    submitted_day: Ints
    remit_day: Ints
    first_denial_day: Ints
    resubmissions: Ints
    appeals: Ints
    patient: Ints
    has_authorization: Bools
    has_referral: Bools
    has_records: Bools
    has_timely_proof: Bools
    has_other_coverage: Bools
    is_flag_known: Bools


def draw_claims(seed: int, n: int, payers: Payers, specialty_of: Ints, first: int, end: int) -> Claims:
    """Draw claims whose remits arrived from day `first` until the day before `end`.

    The order of the claims says nothing about time, so that any first part of them is a practice of the same months.
    """
    rng = stream(seed, "claims")
    payer = pick(rng, payers.weight, n)
    provider = pick(rng, np.exp(stream(seed, "provider volume").normal(0.0, 0.5, PROVIDERS)), n)
    remit = _remit_days(rng, payer, payers, first, end, n)
    resubmissions = pick(rng, np.array([0.78, 0.16, 0.06]), n)
    submitted = remit - 8 - rng.gamma(2.0, 8.0, n).astype(np.int64)
    service = submitted - 1 - rng.gamma(1.3, 9.0, n).astype(np.int64) - 45 * resubmissions
    first_denial = remit - np.where(resubmissions > 0, 20 + 40 * resubmissions - rng.integers(0, 15, n), 0)
    habit = stream(seed, "provider paper").beta(5.0, 4.0, (PROVIDERS, 4))[provider]
    on_file = rng.random((n, 4)) < habit
    return Claims(
        payer=payer,
        plan=(rng.random(n) * payers.plans[payer]).astype(np.int64),
        provider=provider,
        facility=pick(rng, np.array([0.3, 0.2, 0.14, 0.11, 0.09, 0.07, 0.05, 0.04]), n),
        place=pick(rng, PLACE_WEIGHT, n),
        specialty=specialty_of[provider],
        lines=pick(rng, LINES_WEIGHT, n),
        is_secondary=rng.random(n) < 0.02,
        service_day=np.minimum(service, np.maximum(first_denial - 3, service - 400)),
        submitted_day=submitted,
        remit_day=remit,
        first_denial_day=np.maximum(first_denial, service + 3),
        resubmissions=resubmissions,
        appeals=(rng.random(n) < 0.12).astype(np.int64),
        patient=rng.integers(0, max(8, n // 3), n),
        has_authorization=on_file[:, 0],
        has_referral=on_file[:, 1],
        has_records=on_file[:, 2],
        has_timely_proof=on_file[:, 3],
        has_other_coverage=rng.random(n) < 0.25,
        is_flag_known=rng.random(n) < 0.92,
    )


def _remit_days(rng: np.random.Generator, payer: Ints, payers: Payers, first: int, end: int, n: int) -> Ints:
    """Draw days with slow growth, then move each to the weekday on which its payer pays."""
    share = rng.random(n)
    grown = first + ((end - first) * (np.sqrt(1.0 + 0.44 * share) - 1.0) / (np.sqrt(1.44) - 1.0)).astype(np.int64)
    # 1970-01-01 was a Thursday, the fourth weekday from Monday as zero.
    weekday = (grown + 3) % 7
    return np.asarray(grown - (weekday - payers.pay_weekday[payer]) % 7, dtype=np.int64)
