"""Features of the file: what proof is at hand, and how often it was tried already."""

from __future__ import annotations

from features.feature import count, flag

FEATURES = (
    count("denials_count", "denial_count", "Denials known at posting", concept="documentation", phrase="the number of denials so far"),
    count(
        "resubmissions_count",
        "resubmission_count",
        "Resubmissions known at posting",
        concept="documentation",
        phrase="the number of resubmissions so far",
    ),
    flag("authorization_on_file", concept="documentation", phrase="an authorization on file", monotone=1),
    flag("referral_on_file", concept="documentation", phrase="a referral on file", monotone=1),
    flag("records_on_file", concept="documentation", phrase="the records on file", monotone=1),
    flag("timely_proof_on_file", concept="documentation", phrase="proof of timely filing on file", monotone=1),
    flag("other_coverage_on_file", concept="documentation", phrase="other coverage on file"),
)
