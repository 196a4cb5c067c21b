"""The page of pricing for the documentation, made from the code: ``python -m features.contract.page > docs/pricing.md``."""

from __future__ import annotations

import sys

from features.contract.modifiers import RANK_PERCENTS, modifier_table
from features.contract.reasons import SENTENCES

_OPENING = """# Pricing by contract

Made by `python -m features.contract.page > docs/pricing.md`. A price says what the contract allows for a line as billed; it is
compared with the amount **allowed**, not paid. Worked cases: `tests/spec/pricing_*.md`. What cannot be priced says why, and has no
variance.

## Order

1. **Carve-out.** A term that names a procedure or a revenue code and prices lines comes before one that prices the claim. Of the terms
   that hold on the day of service the one that asks for most columns wins; equal ones by contract, plan, product, facility, class of
   provider, modifier, procedure, DRG, revenue code, place, claim type. A term for a product or a class of provider, which a
   write-off does not carry, prices nothing where it would win. Two terms of one key that cover one day and differ price nothing.
   A day between two spans of a term is priced by a more general term, if there is one.
2. **Base.** `fee_schedule`: dollars. `percent_of_charges`: of the charge, which holds units and components already; with a modifier
   that takes a share it is not priced. `percent_of_reference`: of the fee in `reference_fees`, of the year of service; `unit_basis`
   says whose (`schedule=NAME locality=NAME year=YEAR`, or just the name); without it the only schedule loaded is meant; place of service
   decides between the facility's price and the other. `not_covered`: nothing.
3. **Modifiers.** A fee that names the modifier, in the contract or in the reference schedule, stands over its share. Else the contract's
   own share: a row with the modifier, `percent_of_reference` and `unit_basis` `base` (percent of what the contract pays without it).
   Else the table below. Shares multiply; of one group the smallest counts.
4. **Rank.** Modifier 51, or a term with `multiple_procedure` (false: never): lines of one claim and day by falling price take
   RANKS %, the last for all that follow. The rank is counted among the lines that are known. Without claim, day or line number
   a ranked line is not priced; nor is one with 51 while no line without it is in sight.
5. **Units**, to four decimals; `unit_basis` `line` or `visit` counts once, another one than a unit or service is not priced.
6. **Lesser of** price and charge, where the term says so. One rounding to whole cents before it, half a cent up.
7. **Sequestration** is no part of the allowed amount: 2 % of what is left of it after the patient's share is taken off the payment.

`case_rate`, `per_diem`, `capitated` and every term for a DRG price the claim, once: by its row without line and service, else from its
lines (`price_cases`). Its lines have no price of their own, carve-outs apart. Days are midnights, at least one; else the units.
"""


def pricing_page() -> str:
    """Return the Markdown page that says how a line is priced, what modifiers do, and why something is not priced."""
    lines = [
        _OPENING.replace("RANKS", "/".join(map(str, RANK_PERCENTS))),
        "## Modifiers",
        "",
        "| modifier | meaning | effect | rule |",
        "|---|---|---|---|",
    ]
    for rule in modifier_table().values():
        effect = f"{float(rule.share * 100):g} %" if rule.share is not None else SENTENCES[rule.reason] if rule.reason else "ranked"
        lines.append(f"| {rule.code} | {rule.meaning} | {effect} | {rule.citation} |")
    lines += ["", "## Reasons why something is not priced", "", "| reason | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {sentence} |" for name, sentence in SENTENCES.items() if name]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(pricing_page())
