# %% [markdown]
# # 4. Queue policy and capacity: what if
#
# What another order of work, or more or fewer hours, would bring: estimated from what was worked, doubly robust, with what the estimate
# rests on; and the price at which to stop: the value per hour of the last write-off that fits.

# %% tags=["parameters"]
folder = ""  # a folder with writeoffs.csv and outcomes.csv; blank: a synthetic practice
mapping = ""  # a mapping file with the practice's own names, as `recoup doctor` proposes one; blank: the names are ours
cut = "2026-06-01"
as_of = "2026-11-01"
capacities = [0.02, 0.05, 0.1, 0.2, 0.4]

# %%
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from recoup.desk import day, open_desk
from recoup.sample.practice import write_sample
from training.evaluate import policy_orders
from training.policy_value import compare, take

place = Path(folder or tempfile.mkdtemp())
if not folder:
    write_sample(place, rows=6_000, seed=11)
desk = open_desk(place, mapping)
scorer = desk.fit(day(cut), Path(tempfile.mkdtemp()) / "model")
known = desk.coded_for(scorer, day(as_of))
rows = np.flatnonzero(known.writeoffs.columns["writeoff_date"] >= day(cut))
window = known.writeoffs.take(rows)
scores = scorer.score(window, as_of=day(cut), reasons=0)
print(f"{len(window):,} write-offs posted since {cut}")

# %% [markdown]
# ## What each order would bring

# %%
value = compare(known.writeoffs, known.outcomes, rows, scores, policy_orders(window, scores), day(as_of), capacities)
if value is None:
    print("no write-off that is old enough was worked")
else:
    told = [{"hours": at["share"], "order": name, **v} for at in value["capacity"] for name, v in at["policies"].items()]
    print(pd.DataFrame(told)[["hours", "order", "dr", "low", "high", "model", "effective"]].to_string(index=False))
    print(f"the chance of being worked is {value['propensity']}; {value['explored_rows']} were drawn by lot")

# %% [markdown]
# ## More or fewer hours
# Expected dollars of the model's order, and the price of the last hour: below it work stops paying.

# %%
s = scores.columns
open_ = s["in_scope"].astype(bool)
order = np.argsort(s["rank"][open_], kind="stable")
hours, expected, price = (s[name][open_] for name in ("expected_hours", "expected_recovery", "value_per_hour"))
table = []
for share in capacities:
    worked = take(order, hours, share)
    last = price[worked > 0].min()
    table.append((share, (worked * hours).sum(), (worked * expected).sum(), last))
print(pd.DataFrame(table, columns=["share", "hours", "expected dollars", "stop below, $ per hour"]).round(2).to_string(index=False))
