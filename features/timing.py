"""Features of time: how old it is, and how long it may still be worked."""

from __future__ import annotations

from features.feature import days

_TIMING, _DEADLINE = "timing", "deadline"
_NO_DEADLINE = "no deadline is known"

FEATURES = (
    days(
        "age_days",
        "writeoff_date",
        "row_day",
        "From posting to the row's day",
        concept=_TIMING,
        phrase="the time since it was posted",
        monotone=-1,
    ),
    days(
        "left_now_days",
        "row_day",
        "own_day",
        "From the row's day to the deadline of its own remedy; negative once that has passed, whatever is open after it",
        concept=_DEADLINE,
        phrase="the time left to act",
        null=_NO_DEADLINE,
        monotone=1,
    ),
    days(
        "left_at_posting_days",
        "writeoff_date",
        "own_day",
        "From posting to that deadline",
        concept=_DEADLINE,
        phrase="the time that was left when it was posted",
        null=_NO_DEADLINE,
        monotone=1,
    ),
    days(
        "service_to_remit_days",
        "service_date",
        "remit_date",
        "From the first day of service to the remittance",
        concept=_TIMING,
        phrase="the time from service to remittance",
    ),
    days(
        "service_to_submission_days",
        "service_date",
        "submitted_date",
        "From the first day of service to the claim's submission",
        concept=_TIMING,
        phrase="the time from service to claim",
    ),
    days(
        "remit_to_writeoff_days",
        "remit_date",
        "writeoff_date",
        "From the remittance to the posting",
        concept=_TIMING,
        phrase="the time from remittance to write-off",
    ),
    days(
        "since_denial_days",
        "initial_denial_date",
        "row_day",
        "From the first denial to the row's day",
        concept=_TIMING,
        phrase="the time since the first denial",
    ),
)
