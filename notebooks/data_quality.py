# %% [markdown]
# # 1. Data quality and label maturity
#
# Before anything is learned: what was read, what was refused, how fresh it is, and how much of the work of each month is answered by
# now. Good news comes first: of young work recoveries are known before refusals, so that a young month looks better than it is.

# %% tags=["parameters"]
folder = ""  # a folder with writeoffs.csv and outcomes.csv; blank: a synthetic practice
mapping = ""  # a mapping file with the practice's own names, as `recoup doctor` proposes one; blank: the names are ours
as_of = "2026-11-01"

# %%
import tempfile
from pathlib import Path

import pandas as pd

from recoup.desk import day, frame, open_desk
from recoup.sample.practice import write_sample
from training.checks import check
from training.contest import newest_mature
from training.gates import Of, judge, limits
from training.labels import cases_as_of, delay_weights
from training.maturity import maturity

place = Path(folder or tempfile.mkdtemp())
if not folder:
    write_sample(place, rows=6_000, seed=11)
desk, today = open_desk(place, mapping), day(as_of)

# %% [markdown]
# ## What was read
# A refused row is named by row, column and rule in the rejects file of every command; an issue is kept and named once.

# %%
reads = [(name, read.rows_read, read.rows_rejected, len(read.issues)) for name, read in desk.reads.items()]
print(pd.DataFrame(reads, columns=["table", "rows", "rejected", "issues"]).to_string(index=False))
print(f"{len(desk.writeoffs):,} write-offs, {len(desk.outcomes):,} efforts")

# %% [markdown]
# ## How complete each column is

# %%
ledger = frame(desk.writeoffs)
print((1 - ledger.isna().mean()).sort_values().head(15).map("{:.1%}".format).to_string())

# %% [markdown]
# ## The checks of a retraining
# The same that `recoup retrain` makes before it fits; limits stand in `recoup.toml`.

# %%
known = desk.known(today)
window = newest_mature(known, today)
verdicts = judge(check(known, today, window, None), limits({}), Of.DATA)
print(pd.DataFrame([(v.gate.name, v.value, v.limit, v.held) for v in verdicts], columns=["check", "value", "limit", "holds"]).to_string())

# %% [markdown]
# ## How much is answered by now
# By month of the work: efforts begun, answered, and how many efforts an answered one stands for.

# %%
cases, _ = cases_as_of(known.writeoffs, known.outcomes, today)
months = pd.DataFrame(
    {"month": pd.to_datetime(cases.worked_on, unit="D").to_period("M"), "answered": cases.decided, "recovered": cases.recovered}
)
decided = cases.take(cases.decided)
table = months.groupby("month").agg(efforts=("answered", "size"), answered=("answered", "mean"), recovered=("recovered", "sum"))
weights = pd.Series(delay_weights(decided, today)).groupby(months["month"][cases.decided].to_numpy()).mean()
print(table.assign(stands_for=weights.round(2)).tail(12).to_string())

# %% [markdown]
# ## How fast answers come, by payer

# %%
speed = maturity(known.writeoffs, cases, today)
heads = [f"{age} days" for age in speed["ages"]]
rows = [
    [p["payer"], kind, p[kind]["count"], *(p[kind]["shares"] or [])] for p in speed["payers"][:6] for kind in ("recoveries", "refusals")
]
print(pd.DataFrame(rows, columns=["payer", "of", "count", *heads]).to_string(index=False))
print(f"judged efforts are at least {window.mature_days} days old: by then seven in ten answers are known")
