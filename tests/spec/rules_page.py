"""The page of rules for the documentation, made from the rules and their cases: `python -m tests.spec.rules_page > docs/rules.md`."""

from __future__ import annotations

import sys

from features.rules import TOPICS, rules
from tests.spec.tables import cases

FILES = ("rule_categories.md", "rule_remedies.md", "rule_caps.md", "rule_deadlines.md", "rule_guards.md")
_TITLES = {
    "category": "What a row is",
    "remedy": "What is done about it",
    "cap": "How much can come back at most",
    "deadline": "Until when",
    "guard": "What is refused, asked and allowed",
}
_INTRO = """# Rules

Made from `features/codes/rule.csv` and the cases in `tests/spec/rule_*.md` by `tests.spec.rules_page`; every case below is run as a test.
A citation marked `memory` was not looked up; one of `DOMAIN` or `DATA` is a decision of ours or a practice norm. Nothing here is legal
advice.

Rows are remitted and posted on 2026-06-01 for fifty dollars unless a case says otherwise. `codes` is group, reason code and remark
codes; `with` are further columns of the row, or `as_of` (the day), `beside` (another posting of the line), `price` (of the contract),
`shares` (percent that patients usually carry), `rule` (a payer rule), `level`, `prior` and `demand` (of an appeal).
"""


def rules_page() -> str:
    """Return the Markdown page: each rule with its sentence, its citation and its cases."""
    told = [case for name in FILES for case in cases(name)]
    lines = [_INTRO]
    for topic in TOPICS:
        lines += [f"## {_TITLES[topic]}", ""]
        for rule in (rule for rule in rules().values() if rule.topic == topic):
            lines += [f"### {rule.rule}", "", f"{rule.sentence} *({rule.citation})*", ""]
            lines += ["| codes | payer | with | gives | because |", "|---|---|---|---|---|"]
            own = (case for case in told if case["rule"] == rule.rule)
            lines += [f"| {c['codes'] or '-'} | {c['payer'] or '-'} | {c['with'] or '-'} | {c['expect']} | {c['because']} |" for c in own]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(rules_page())
