"""The page of the audit's rules, made from the rules and their cases: `python -m tests.spec.findings_page > docs/findings.md`."""

from __future__ import annotations

import sys

from serving.findings.rule import NEEDS
from serving.findings.rules import RULES
from tests.spec.tables import cases

CASES = "finding_cases.md"
_TITLES = {
    "posting": "What was posted against what was remitted",
    "remittance": "The remittances themselves",
    "underpayment": "Payers that allowed too little",
    "policy": "The practice's own policies",
    "coverage": "Who should have paid",
    "patient": "Patients' shares",
    "overpayment": "What may be owed back",
    "classification": "What every write-off is",
}
_INTRO = """# Rules of the audit

Made from `serving/findings` and the cases in `tests/spec/finding_cases.md` by `tests.spec.findings_page`; every case below is run as a test. A citation
marked `memory` was not looked up; one of `DOMAIN` is a decision of ours or a practice norm. Nothing here is legal advice.

Rows are posted on 2026-06-01 on line 1 of claim C1 of payer ACME, served 2026-05-01, looked at on 2026-07-01; the remittance is of 2026-05-15. A row
is group, reason and amount (or the practice's own code and amount) and further columns; ` / ` parts rows or claims. A remittance is charge and
adjustments. `with` is what else is in hand.
"""


def findings_page() -> str:
    """Return the Markdown page: each rule with its sentence, severity, citation and cases."""
    told, lines = list(cases(CASES)), [_INTRO]
    for family, title in _TITLES.items():
        lines += [f"## {title}", ""]
        for rule in (rule for rule in RULES if rule.family == family):
            needs = f"; needs {' and '.join(NEEDS[need] for need in rule.needs)}" if rule.needs else ""
            lines += [
                f"### {rule.id}",
                "",
                f"{rule.sentence} *({rule.citation})*",
                "",
                f"Severity {rule.severity}, {rule.kind}{needs}.",
                "",
            ]
            lines += ["| ledger | remittance | with | finds | because |", "|---|---|---|---|---|"]
            for one in (one for one in told if one["rule"] == rule.id):
                cells = (one["ledger"] or "-", one["remit"] or "-", one["with"] or "-", one["finds"], one["because"])
                lines.append("| " + " | ".join(cells) + " |")
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(findings_page())
