# %% [markdown]
# # 2. What drives recovery, by payer and code
#
# What came in of what was worked, by payer, family of codes and remedy, and what the model leans on. People chose what was worked: a
# rate here is of chosen work, and says less of the rest.

# %% tags=["parameters"]
folder = ""  # a folder with writeoffs.csv and outcomes.csv; blank: a synthetic practice
mapping = ""  # a mapping file with the practice's own names, as `recoup doctor` proposes one; blank: the names are ours
as_of = "2026-11-01"

# %%
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from recoup.desk import day, frame, open_desk
from recoup.sample.practice import write_sample

place = Path(folder or tempfile.mkdtemp())
if not folder:
    write_sample(place, rows=6_000, seed=11)
desk, today = open_desk(place, mapping), day(as_of)
scorer = desk.fit(today, Path(tempfile.mkdtemp()) / "model")
known = desk.coded_for(scorer, today)
scores = pd.DataFrame(scorer.score(known.writeoffs, as_of=today, reasons=0).records())
print(f"{len(scores):,} write-offs, {int(scores['in_scope'].sum()):,} may still be owed by a payer")

# %% [markdown]
# ## What came in, by payer, family and remedy

# %%
done = frame(known.outcomes).dropna(subset=["resolved_date"])
facts = frame(known.writeoffs)[["writeoff_id", "payer_id", "carc", "writeoff_amount"]]
done = done.merge(facts, on="writeoff_id").merge(scores[["writeoff_id", "family", "remedy"]], on="writeoff_id")
done["won"] = done["recovered_amount"].fillna(0) > 0
for by in ("payer_id", "family", "remedy", "carc"):
    table = done.groupby(by).agg(
        efforts=("won", "size"), won=("won", "mean"), dollars=("recovered_amount", "sum"), hours=("hours_spent", "sum")
    )
    table["dollars_per_hour"] = table["dollars"] / table["hours"]
    print(table.sort_values("dollars", ascending=False).head(8).round(2).to_string(), "\n")

# %% [markdown]
# ## Payer by family
# Where a payer's mind differs by kind of denial, the crosses of the linear part and the history by payer and family speak.

# %%
cross = done.pivot_table(index="payer_id", columns="family", values="won", aggfunc="mean").round(2)
many = done["payer_id"].value_counts().head(8).index
print(cross.loc[many].dropna(axis=1, how="all").to_string())

# %% [markdown]
# ## What the model leans on
# Mean absolute contribution of each concept to the log odds, over write-offs that may still be owed.

# %%
open_rows = np.flatnonzero(scores["in_scope"].to_numpy())[:2000]
parts = scorer.contributions(known.writeoffs.take(open_rows), as_of=today)
print(pd.Series({concept: np.abs(values).mean() for concept, values in parts.items()}).sort_values(ascending=False).round(3).to_string())
