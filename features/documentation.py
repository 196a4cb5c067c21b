"""Features of the file: what proof is at hand, and how often it was tried already."""

from __future__ import annotations

from features.feature import Floats, coded, feature, flag
from features.tables import Columns


@feature(unit="denials", concept="documentation", phrase="the number of denials so far")
def denials_count(c: Columns) -> Floats:
    """Denials known at posting."""
    return coded(c["denial_count"])


@feature(unit="resubmissions", concept="documentation", phrase="the number of resubmissions so far")
def resubmissions_count(c: Columns) -> Floats:
    """Resubmissions known at posting."""
    return coded(c["resubmission_count"])


FEATURES = (
    denials_count,
    resubmissions_count,
    flag("authorization_on_file", concept="documentation", phrase="an authorization on file", monotone=1),
    flag("referral_on_file", concept="documentation", phrase="a referral on file", monotone=1),
    flag("records_on_file", concept="documentation", phrase="the records on file", monotone=1),
    flag("timely_proof_on_file", concept="documentation", phrase="proof of timely filing on file", monotone=1),
    flag("other_coverage_on_file", concept="documentation", phrase="other coverage on file"),
)
