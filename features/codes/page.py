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
    return "\n".join([*lines, *_next_steps(codes), *_limits(codes), *_IMPORT]) + "\n"


def _next_steps(codes: Codes) -> list[str]:
    """Return the section of steps that a family changes."""
    lines = ["", "## Next steps where remedy and family say more", "", "| remedy | family | next step |", "|---|---|---|"]
    return lines + [f"| {step.remedy} | {step.family} | {step.next_step} |" for step in codes.steps]


def _limits(codes: Codes) -> list[str]:
    """Return the section of what a code may come with: groups, remarks, and the scenarios that codes have of their own."""
    held = codes.carcs.values()
    groups: dict[str, list[str]] = {}
    for carc in held:
        if carc.required_groups:
            groups.setdefault(" ".join(carc.required_groups), []).append(carc.code)
    lines = ["", "## What a reason code must come with", "", "| must have | reason codes |", "|---|---|"]
    lines += [f"| group {group} | {' '.join(of_group)} |" for group, of_group in sorted(groups.items())]
    lines.append(f"| a remark that is no alert | {' '.join(carc.code for carc in held if carc.rarc_required)} |")
    lines += ["", "Reason codes whose scenario is not that of their family, with the day from which the pairing is in force:", ""]
    lines += ["| reason code | remark | scenario | from |", "|---|---|---|---|"]
    lines += [f"| {row.carc} | {row.rarc or '-'} | {_SCENARIOS[row.scenario]} | {row.effective_from or '-'} |" for row in codes.scenarios]
    return lines


_IMPORT = """
## Licensed lists

The lists of X12 (reason, remark, group and provider-level codes) are licensed and change three times a year. A practice that holds them
brings them as a CSV in UTF-8 and says from which day they are in force:

```console
recoup codes import list.csv --effective 2026-07-01
```

| column | what |
|---|---|
| `code` | `45`, `N115`, `CO`, `WO` |
| `kind` | `carc`, `rarc`, `group` or `plb` |
| `start` | first day in force, or empty |
| `stop` | first day out of force, or empty; a code may return on a later row |
| `text` | optional; kept on this machine only |

A list with one fault is refused whole, naming the first five lines (exit code 65); another list for a day that has one needs `--replace`
(2); a file that cannot be read is 74. Lists are kept under `RECOUP_HOME/codes`, one file a day, for the owner alone, and never enter the
repository. `Codes.load(extra=RECOUP_HOME / "codes", on=DAY)` takes the newest list that was in force on the day: its dates stand over
those above, what a code means stays as above, and a code of which only the number is known is triaged as unknown, never as contractual.
""".rstrip().splitlines()
