# %% [markdown]
# # 5. A payer changes its policy
#
# Results since a model's cut against its predictions, per payer and family: who changed, since when, by how much, and what a correction by
# a shift does until a retraining has learned it.

# %% tags=["parameters"]
folder = ""  # a folder with writeoffs.csv and outcomes.csv; blank: a synthetic practice
mapping = ""  # a mapping file with the practice's own names, as `recoup doctor` proposes one; blank: the names are ours
cut = "2026-05-01"
as_of = "2026-11-01"

# %%
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from models.bundle import REFERENCE
from models.calibration import probability
from models.drift import DESIGN, Stream, charts, shift_of
from recoup.desk import day, iso, open_desk
from recoup.report.drift import headline
from recoup.sample.practice import write_sample
from training.drift import results_since, watch

place = Path(folder or tempfile.mkdtemp())
if not folder:
    write_sample(place, rows=8_000, seed=11)
desk, model = open_desk(place, mapping), Path(tempfile.mkdtemp()) / "model"
scorer = desk.fit(day(cut), model)
known = desk.coded_for(scorer, day(as_of))
found = watch(scorer, known, day(as_of), json.loads((model / REFERENCE).read_bytes()))
print(headline(found))
print(f"{found['results']:,} results since the cut, {found['new_writeoffs']:,} new write-offs")

# %% [markdown]
# ## The groups whose sums rose highest

# %%
print(pd.DataFrame(found["groups"]).to_string(index=False))
print(f"a sum rings at {found['threshold']}: {found['false_alarms_a_year']} false alarms a year for {found['payers']} payers")
for line in found["advice"]:
    print("advice:", line)

# %% [markdown]
# ## One payer, month by month

# %%
results = results_since(scorer, known, day(as_of))
payer = found["groups"][0]["payer"]
theirs = results.take(results.payer == payer)
table = pd.DataFrame(
    {"month": pd.to_datetime(theirs.cases.resolved_on, unit="D").to_period("M"), "predicted": probability(theirs.logit),
     "recovered": theirs.cases.recovered}
)  # fmt: skip
print(payer)
print(table.groupby("month").agg(results=("recovered", "size"), predicted=("predicted", "sum"), recovered=("recovered", "sum")).round(1))

# %% [markdown]
# ## The sum, and what a shift would mend

# %%
codes = (results.payer == payer).astype(np.int64) - 1
chart = charts(Stream(results.cases.resolved_on, results.logit, results.cases.recovered), codes)[0]
top = int(np.argmax(chart.paths.max(axis=1)))
print(f"highest sum {chart.paths.max():.2f} on {iso(int(results.cases.resolved_on[chart.rows[top]]))}")
shift = shift_of(theirs.logit, theirs.cases.recovered)
before, after = (float(np.mean((probability(theirs.logit + s) - theirs.cases.recovered) ** 2)) for s in (0.0, shift))
print(
    f"a shift of {shift:+.2f} log odds takes the squared error from {before:.4f} to {after:.4f}; a change of {DESIGN.change} is looked for"
)
