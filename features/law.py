"""Time limits that law sets, by kind of payer, remedy and level of appeal."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.calendar import add_business_days, add_months
from features.clocks import LEVELS, Clocks, Whole
from features.codes.meaning import REMEDY
from features.money import NULL
from features.rowwise import as_type, is_any, is_not, pick, put, rows_where, take, where
from features.tables import PAYER_TYPES, REMEDIES

Flags: TypeAlias = NDArray[np.bool_]

_APPEAL, _NSA = REMEDY["appeal"], REMEDY["nsa_negotiation"]


class Law(NamedTuple):
    """A time limit that law sets: rule of `features.rules`, who, for what, at which level, from which day, how long.

    `clock` is determination, service, prior_decision, demand_letter, or advantage (a determination, five days less before 2025).
    """

    rule: str
    payer_types: tuple[str, ...]
    remedies: tuple[str, ...]
    level: int
    clock: str
    months: int = 0
    days: int = 0
    business_days: int = 0


_APPEALS = ("appeal", "peer_to_peer", "contract_dispute", "send_records", "recoupment_appeal")
_BY_RIGHT = tuple(remedy for remedy in _APPEALS if remedy != "contract_dispute")
"""Where providers have contracts, what is disputed under one has the contract's days."""
CLAIMS = ("corrected_claim", "new_claim", "cob_update", "rebill_other_payer", "fix_enrollment")
_PRIVATE = ("commercial", "bcbs")
LAWS = (
    # 42 CFR 405.942: 120 days from receipt, receipt presumed five days after the notice.
    Law("deadline.redetermination", ("medicare",), _APPEALS, 1, "determination", days=125),
    # 42 CFR 405.962: 180 days from receipt of the redetermination.
    Law("deadline.reconsideration", ("medicare",), _APPEALS, 2, "prior_decision", days=185),
    # 42 CFR 405.1014, 405.1102, 405.1130 (memory): 60 days from receipt each.
    *(Law("deadline.hearing", ("medicare",), _APPEALS, level, "prior_decision", days=65) for level in (3, 4, 5)),
    # 42 CFR 405.379: received within 30 days of the demand letter it stops the recoupment; the appeal itself stays open longer.
    Law("deadline.recoupment", ("medicare",), ("recoupment_appeal",), 1, "demand_letter", days=30),
    # 42 CFR 405.980(c), at a party's request (paragraph (b) is the contractor's own motion): a year for any reason (clerical errors and
    # duplicates go this way), four years for good cause (405.986; level 2 here).
    Law("deadline.reopening", ("medicare",), ("reopening", "verify_duplicate"), 1, "determination", months=12),
    Law("deadline.reopening", ("medicare",), ("reopening",), 2, "determination", months=48),
    # 42 CFR 424.44: one calendar year of the service.
    Law("deadline.filing", ("medicare",), CLAIMS, 1, "service", months=12),
    # 42 CFR 422.582: 65 days of the notice (60 before 2025), for who has no contract. 42 CFR 422.602 (memory): hearing.
    Law("deadline.advantage", ("medicare_advantage",), _BY_RIGHT, 1, "advantage", days=65),
    *(Law("deadline.hearing", ("medicare_advantage",), _BY_RIGHT, level, "prior_decision", days=65) for level in (3, 4, 5)),
    # 32 CFR 199.10: 90 days of the notice, next levels 60 (memory), for parties, which providers in the network are not. 32 CFR 199.7:
    # claims within one year of the service.
    Law("deadline.tricare", ("tricare",), _BY_RIGHT, 1, "determination", days=90),
    *(Law("deadline.tricare", ("tricare",), _BY_RIGHT, level, "prior_decision", days=60) for level in (2, 3)),
    Law("deadline.tricare", ("tricare",), CLAIMS, 1, "service", months=12),
    # 42 CFR 438.402: 60 days of the notice; 438.408(f): a state hearing within 120. 42 CFR 447.45(d): claims within twelve months.
    Law("deadline.medicaid", ("medicaid_managed",), _APPEALS, 1, "determination", days=60),
    Law("deadline.medicaid", ("medicaid_managed",), _APPEALS, 2, "prior_decision", days=120),
    Law("deadline.medicaid", ("medicaid",), CLAIMS, 1, "service", months=12),
    # 45 CFR 147.136(d) (memory): four months from the last internal decision.
    Law("deadline.erisa", _PRIVATE, ("external_review",), 1, "prior_decision", months=4),
    # 45 CFR 149.510(b): negotiation within 30 business days of the payment notice; arbitration within 4 after 30 of negotiation,
    # counted from the day the negotiation began, which is given as the prior decision.
    Law("deadline.surprises", PAYER_TYPES, ("nsa_negotiation",), 1, "determination", business_days=30),
    Law("deadline.surprises", PAYER_TYPES, ("nsa_negotiation",), 2, "prior_decision", business_days=34),
)
_ERISA_DAYS = 180
"""29 CFR 2560.503-1(h)(3): the member's internal appeal; the provider needs the member's consent for it."""
_ADVANTAGE_CHANGE = int(np.datetime64("2025-01-01").astype(np.int64))


LAW_RULES = tuple(dict.fromkeys(law.rule for law in LAWS))
"""The rules of `features.rules` that stand behind laws."""
_ERISA_RULE = LAW_RULES.index("deadline.erisa")


def law_rule(payer_type: str | None, remedy: str, level: int) -> str:
    """Return the rule of `features.rules` by which law limits a remedy at a level; empty: no law does.

    >>> law_rule("medicare", "appeal", 2), law_rule("commercial", "appeal", 2)
    ('deadline.reconsideration', '')
    """
    return next((law.rule for law in LAWS if law.level == level and payer_type in law.payer_types and remedy in law.remedies), "")


def by_law(
    batch: Batch, payer_type: NDArray[np.int8], remedy: NDArray[np.int8], level: int | Whole, clocks: Clocks, is_undecided: Flags
) -> tuple[Whole, Flags, Whole]:
    """Return the last days that law sets (NULL: none), whether it sets one, and the place of its rule in `LAW_RULES`.

    It sets none where the claim was refused without a determination.
    """
    table = _table()
    place = (as_type(payer_type, np.int64) + 1) * len(REMEDIES) + remedy + (as_type(level, np.int64) - 1) * _LEVEL_SIZE
    clock = take(table.clock, place)
    begun = where(clock == _CLOCK["service"], clocks.service, clocks.determined)
    if is_any(clock > _CLOCK["service"]):
        begun = where(clock == _CLOCK["prior_decision"], clocks.or_remit(clocks.prior), begun)
        begun = where(clock == _CLOCK["demand_letter"], clocks.or_remit(clocks.demand), begun)
    days = take(table.days, place)
    is_advantage = clock == _CLOCK["advantage"]
    if is_any(is_advantage):
        days = where(is_advantage & (begun < _ADVANTAGE_CHANGE), days - 5, days)
    holds = (clock > 0) & (begun != NULL)
    under_contract = _is_under_contract(batch, payer_type, remedy, holds)
    if under_contract is not None:
        holds = holds & is_not(under_contract)
    if is_any(is_undecided):
        holds = holds & is_not(is_undecided)
    day = begun + days
    spans = take(table.months, place)
    for months in _MONTHS if is_any(spans) else ():
        is_span = (spans == months) & holds
        if is_any(is_span):
            rows = rows_where(is_span)
            day = put(day, rows, add_months(pick(begun, rows), months))
    is_business = (remedy == _NSA) & holds
    if is_any(is_business):
        rows = rows_where(is_business)
        day = put(day, rows, add_business_days(pick(begun, rows), take(table.business, pick(place, rows))))
    day, law = where(holds, day, NULL), take(table.rule, place)
    is_member = _is_member_appeal(batch, payer_type, remedy, holds)
    if is_member is not None:
        day, law = where(is_member, clocks.determined + _ERISA_DAYS, day), where(is_member, _ERISA_RULE, law)
        holds = holds | is_member
    return day, holds, law


def _is_under_contract(batch: Batch, payer_type: NDArray[np.int8], remedy: NDArray[np.int8], holds: Flags) -> Flags | None:
    """Return where a provider in the network of a Medicare Advantage plan appeals: its contract sets the days; None: nowhere."""
    own, network = batch.vocabulary.find("network_status", "in"), batch.columns["network_status"]
    if own < 0 or not is_any(network == own):
        return None
    found: Flags = holds & (network == own) & (payer_type == PAYER_TYPES.index("medicare_advantage")) & take(_IS_BY_RIGHT, remedy)
    return found if is_any(found) else None


_IS_BY_RIGHT = np.array([remedy in _BY_RIGHT for remedy in REMEDIES])


def _is_member_appeal(batch: Batch, payer_type: NDArray[np.int8], remedy: NDArray[np.int8], holds: Flags) -> Flags | None:
    """Return where the appeal is the member's: a private plan, out of network, insured or self-funded; None: nowhere.

    A provider in the network disputes under its contract, whose days only a payer rule can know.
    """
    find, columns = batch.vocabulary.find, batch.columns
    out = find("network_status", "out")
    if out < 0 or not is_any(columns["network_status"] == out):
        return None
    is_private = (payer_type == PAYER_TYPES.index("commercial")) | (payer_type == PAYER_TYPES.index("bcbs"))
    is_member: Flags = is_private & (remedy == _APPEAL) & is_not(holds) & (columns["network_status"] == out)
    if not is_any(is_member):
        return None
    funding = columns["funding"]
    is_member &= (funding >= 0) & ((funding == find("funding", "insured")) | (funding == find("funding", "self_funded")))
    return is_member


class _Table(NamedTuple):
    """The limits of law by level, payer type (first: unknown) and remedy, flat."""

    clock: NDArray[np.int8]
    months: NDArray[np.int8]
    days: Whole
    business: Whole
    rule: NDArray[np.int16]


_CLOCK = {"determination": 1, "service": 2, "prior_decision": 3, "demand_letter": 4, "advantage": 5}
_MONTHS = sorted({law.months for law in LAWS} - {0})
_LEVEL_SIZE = (len(PAYER_TYPES) + 1) * len(REMEDIES)


@cache
def _table() -> _Table:
    shape = (LEVELS, len(PAYER_TYPES) + 1, len(REMEDIES))
    clock, months, days, business, rule = (np.zeros(shape, dtype=np.int64) for _ in range(5))
    for law in LAWS:
        for payer_type in law.payer_types:
            for remedy in law.remedies:
                at = law.level - 1, PAYER_TYPES.index(payer_type) + 1, REMEDIES.index(remedy)
                clock[at], months[at], days[at], business[at] = _CLOCK[law.clock], law.months, law.days, law.business_days
                rule[at] = LAW_RULES.index(law.rule)
    # An unknown kind of payer is under no law but the No Surprises Act, which covers private plans.
    for table in (clock, business, rule):
        table[:, 0, REMEDY["nsa_negotiation"]] = table[:, PAYER_TYPES.index("commercial") + 1, REMEDY["nsa_negotiation"]]
    return _Table(
        clock.ravel().astype(np.int8), months.ravel().astype(np.int8), days.ravel(), business.ravel(), rule.ravel().astype(np.int16)
    )
