"""Key figures of the trade: what each is called, counted in, and how it is defined (DOMAIN 2.13)."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One key figure: what it is called, in what it is counted (count, days, dollars, share or times) and what it is."""

    name: str
    unit: str
    definition: str


FIGURES: dict[str, Figure] = {
    "initial_denials": Figure(
        "claims refused at first, how many",
        "count",
        "claims whose first adjudication paid nothing of a charge and left nothing to the patient (HFMA Claim Integrity"
        " 1, volume; here by month of the remittance)",
    ),
    "initial_denied_charges": Figure(
        "charges refused at first, in dollars",
        "dollars",
        "charges of these claims (HFMA Claim Integrity 1, dollars)",
    ),
    "initial_denial_rate": Figure(
        "claims refused at first",
        "share",
        "these claims over claims adjudicated (HFMA Claim Integrity 1)",
    ),
    "initial_denial_rate_3_months": Figure(
        "claims refused at first, three months",
        "share",
        "the same over three months: a month and the two before it, elsewhere the last three in hand",
    ),
    "initial_denial_dollars_rate": Figure(
        "charges refused at first",
        "share",
        "the same in charges",
    ),
    "primary_denial_rate": Figure(
        "refused by first payers",
        "share",
        "zero-paid remittances of primary payers over their remittances, duplicates left out (HFMA Claim Integrity 2)",
    ),
    "remittance_denial_rate": Figure(
        "remittances that refuse something",
        "share",
        "adjudications in which a claim or a line was refused, in whole or in part, over adjudications, reversals and "
        "duplicates left out (HFMA MAP AR-5)",
    ),
    "denial_writeoffs_share": Figure(
        "refusals written off, of revenue",
        "share",
        "refusals written off, at what the payer should have allowed, over net patient service revenue, taken as what "
        "payers allowed on the claims in hand (HFMA MAP AR-6); not told where these hold less revenue than refusals",
    ),
    "days_denial_to_action": Figure(
        "from refusal to first effort",
        "days",
        "median days from the first denial to the first effort (HFMA Claim Integrity 4)",
    ),
    "days_denial_to_resolution": Figure(
        "from refusal to the end",
        "days",
        "median days from the first denial to the end of the effort (HFMA Claim Integrity 5)",
    ),
    "overturn_rate": Figure(
        "efforts that won",
        "share",
        "efforts that brought payer cash net of take-backs over efforts that ended; never over all (HFMA Claim Integrity 6)",
    ),
    "net_recovery_rate": Figure(
        "recovered of what was worked",
        "share",
        "cash less take-backs over what should have been allowed on the write-offs that were worked to an end, where that is known",
    ),
    "realised_over_predicted": Figure(
        "came in, for each dollar predicted",
        "times",
        "cash less take-backs of ended efforts over what is expected of each on the day it began, by what scores today",
    ),
    "recovered_per_hour": Figure(
        "recovered an hour",
        "dollars",
        "cash less take-backs over logged hours of ended efforts",
    ),
    "cost_to_collect": Figure(
        "cost of the work, of what came in",
        "share",
        "logged hours of ended efforts, at the cost of an hour, over their cash less take-backs; of this work alone, "
        "not of the whole revenue cycle",
    ),
    "touches_per_resolution": Figure(
        "efforts per write-off",
        "times",
        "efforts begun over write-offs with an ended effort",
    ),
    "expired_untouched": Figure(
        "expired untouched, at most",
        "dollars",
        "dollars that could still have come of write-offs on which nobody acted before law or rule closed every way",
    ),
    "bad_debt_share": Figure(
        "bad debt, of what is written off",
        "share",
        "bad debt over everything written off; a ledger of write-offs has no gross revenue to hold it against; not told where more"
        " than 3 %, or more than is known to be bad debt, is unclassified",
    ),
    "charity_share": Figure(
        "charity, of what is written off",
        "share",
        "charity and hardship over everything written off, likewise",
    ),
    "writeoff_error_rate": Figure(
        "postings with an error",
        "share",
        "postings with a finding of the posting or policy rules over postings",
    ),
    "unknown_code_rate": Figure(
        "reason codes in no table",
        "share",
        "postings whose reason code is in no table over postings with a reason code",
    ),
}
"""Every figure; one whose inputs are missing is null."""

ELSEWHERE: dict[str, str] = {
    "net days in receivables, aged receivables, cost to collect of the whole revenue cycle": "a ledger of write-offs has no receivables "
    "and no revenue; take them from the billing system",
    "capture and precision at capacity, calibration, predicted against realised of a window": "`recoup evaluate`, which fits on what was "
    "known before it",
    "drift of inputs and payers' changes of mind": "`recoup drift`",
}
"""Figures of the trade that an audit cannot give, and who does."""
