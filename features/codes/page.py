"""The page of families for the documentation, made from the tables."""

from __future__ import annotations

from features.codes.tables import FAMILIES, PRIOR_RATES, Codes

_SCENARIOS = {
    "documentation": "documentation missing or invalid",
    "claim_data": "claim data missing or invalid",
    "not_covered": "not covered by the plan",
    "not_separately_payable": "not separately payable",
    "": "-",
}


def family_page(codes: Codes) -> str:
    """Return the Markdown page that says what each family means, and which codes and remedies it holds."""
    lines = [
        "# Families of adjustment codes",
        "",
        "Made from `features/codes/*.csv` by `features.codes.page.family_page`; the words are our own (the lists of X12 are not",
        f"public domain). Held are {len(codes.carcs)} claim adjustment reason codes ({sum(c.retired for c in codes.carcs.values())} of",
        f"them retired) and {len(codes.rarcs)} remark codes. Start and stop dates are those of a public list of March 2016; where a later",
        "date is not known the note of the code says so. A family is the reason of a write-off as staff would group it;",
        "what is done about one row also depends on its remarks, group, payer and claim form.",
        "",
        "The prior is the chance of a recovery believed before any outcome is known: "
        + ", ".join(f"{name} {rate:g}" for name, rate in PRIOR_RATES.items())
        + ".",
        "",
        "| family | meaning | scenario (CAQH CORE 360) | reason codes | retired | priors | remedies |",
        "|---|---|---|---|---|---|---|",
    ]
    for family in FAMILIES:
        held = [carc for carc in codes.carcs.values() if carc.family == family]
        active = " ".join(carc.code for carc in held if not carc.retired) or "-"
        retired = " ".join(carc.code for carc in held if carc.retired) or "-"
        priors = ", ".join(name for name in PRIOR_RATES if any(carc.recoverability == name for carc in held)) or "-"
        remedies = ", ".join(sorted({carc.remedy for carc in held} | {carc.remedy_if_pr for carc in held if carc.remedy_if_pr})) or "-"
        about = codes.families[family]
        lines.append(f"| {family} | {about.meaning} | {_SCENARIOS[about.scenario]} | {active} | {retired} | {priors} | {remedies} |")
    lines += ["", "## Remedies", "", "| remedy | meaning | next step |", "|---|---|---|"]
    lines += [f"| {remedy.remedy} | {remedy.meaning} | {remedy.next_step} |" for remedy in codes.remedies.values()]
    return "\n".join(lines) + "\n"
