"""The day from which the time to file a claim counts, and Medicare's limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.calendar import add_months
from features.money import NULL
from features.rowwise import is_any, where


def filing_day(batch: Batch) -> NDArray[np.int64]:
    """Return the day of service that limits to file count from: the last of an institutional stay, else the first; NULL: not known.

    References
    ----------
    42 CFR 424.44; Medicare Claims Processing Manual, Pub. 100-04 ch. 1 70.4: the through date of an institutional claim, the from date
    of a professional one. Payers' own limits follow it for the most part.
    """
    columns = batch.columns
    service, through = columns["service_date"], columns["service_date_to"]
    if not is_any(through != NULL):
        return service
    institutional = batch.vocabulary.find("claim_type", "institutional")
    is_stay = (columns["claim_type"] == institutional) & (institutional >= 0)
    return where(is_stay & (through != NULL) & (through >= service), through, service)


def is_past_filing_limit(service: NDArray[np.int64], as_of: int | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where Medicare's filing limit, one calendar year of the service (42 CFR 424.44), is over; unknown days are not.

    Examples
    --------
    >>> days = np.array(["2025-03-10", "2025-03-11", "NaT"], dtype="datetime64[D]").astype(np.int64)
    >>> is_past_filing_limit(days, int(np.datetime64("2026-03-11").astype(int))).tolist()
    [True, False, False]
    """
    is_past: NDArray[np.bool_] = (service != NULL) & (add_months(service, 12) < as_of)
    return is_past
