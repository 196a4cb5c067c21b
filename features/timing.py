"""Features of time: how old it is, and how long it may still be worked."""

from __future__ import annotations

from features.feature import Floats, days_between, feature
from features.tables import Columns


@feature(unit="days", concept="timing", phrase="the time since it was posted", monotone=-1)
def age_days(c: Columns) -> Floats:
    """From posting to the row's day."""
    return days_between(c["writeoff_date"], c["row_day"])


@feature(unit="days", concept="deadline", phrase="the time left to act", null="no deadline is known", monotone=1)
def left_now_days(c: Columns) -> Floats:
    """From the row's day to the deadline; negative once it has passed."""
    return days_between(c["row_day"], c["deadline_day"])


@feature(unit="days", concept="deadline", phrase="the time that was left when it was posted", null="no deadline is known", monotone=1)
def left_at_posting_days(c: Columns) -> Floats:
    """From posting to the deadline."""
    return days_between(c["writeoff_date"], c["deadline_day"])


@feature(unit="days", concept="timing", phrase="the time from service to remittance")
def service_to_remit_days(c: Columns) -> Floats:
    """From the first day of service to the remittance."""
    return days_between(c["service_date"], c["remit_date"])


@feature(unit="days", concept="timing", phrase="the time from service to claim")
def service_to_submission_days(c: Columns) -> Floats:
    """From the first day of service to the claim's submission."""
    return days_between(c["service_date"], c["submitted_date"])


@feature(unit="days", concept="timing", phrase="the time from remittance to write-off")
def remit_to_writeoff_days(c: Columns) -> Floats:
    """From the remittance to the posting."""
    return days_between(c["remit_date"], c["writeoff_date"])


@feature(unit="days", concept="timing", phrase="the time since the first denial", monotone=0)
def since_denial_days(c: Columns) -> Floats:
    """From the first denial to the row's day."""
    return days_between(c["initial_denial_date"], c["row_day"])


FEATURES = (
    age_days,
    left_now_days,
    left_at_posting_days,
    service_to_remit_days,
    service_to_submission_days,
    remit_to_writeoff_days,
    since_denial_days,
)
