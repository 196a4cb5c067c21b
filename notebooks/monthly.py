# %% [markdown]
# # The month
#
# What was written off and what came back, whether the predictions held, which payers changed, and what is worth working next.
# `recoup report monthly` fills the parameters in, runs this and makes one page of it.

# %% tags=["parameters"]
folder = ""  # a folder with writeoffs.csv and outcomes.csv; blank: a synthetic practice
home = ""  # RECOUP_HOME, whose champion is reported; blank, or none there: a model of two months ago is fitted
as_of = "2026-11-01"

# %%
import json
import tempfile
from pathlib import Path

import pandas as pd

from models.bundle import REFERENCE, read_manifest
from models.pointer import read_pointer
from models.scorer import Scorer
from recoup.desk import day, frame, iso, open_desk
from recoup.report.drift import headline
from recoup.sample.practice import write_sample
from training.drift import watch

place = Path(folder or tempfile.mkdtemp())
if not folder:
    write_sample(place, rows=4_000, seed=11)
desk, today = open_desk(place), day(as_of)
pointer = read_pointer(Path(home)) if home else None
model = pointer.champion.folder(Path(home)) if pointer else Path(tempfile.mkdtemp()) / "model"
scorer = Scorer.load(model) if pointer else desk.fit(today - 61, model)
known = desk.coded_for(scorer, today)
ledger, efforts = frame(known.writeoffs), frame(known.outcomes)
month = pd.Timestamp(iso(today)) - pd.DateOffset(months=1)
posted, ended = ledger[ledger["writeoff_date"] >= month], efforts[efforts["resolved_date"] >= month]
print(f"{len(posted):,} write-offs of ${posted['writeoff_amount'].sum():,.0f} were posted since {month:%Y-%m-%d};")
print(f"{len(ended):,} efforts ended and brought ${ended['recovered_amount'].sum():,.0f} for {ended['hours_spent'].sum():,.0f} hours.")

# %% [markdown]
# ## What came back, by payer

# %%
back = ended.merge(ledger[["writeoff_id", "payer_id"]], on="writeoff_id").groupby("payer_id")
back = back.agg(efforts=("writeoff_id", "size"), dollars=("recovered_amount", "sum"), hours=("hours_spent", "sum"))
back.assign(dollars_per_hour=back["dollars"] / back["hours"]).sort_values("dollars", ascending=False).head(12).round(2)

# %% [markdown]
# ## Whether the predictions held

# %%
place = model / REFERENCE
found = watch(scorer, known, today, json.loads(place.read_bytes()) if place.is_file() else {})
print(headline(found))
for line in [*found["advice"], *found["looks"]]:
    print("-", line)
pd.DataFrame([found["chosen"] | {"chosen": "by people"}, found["explored"] | {"chosen": "by lot"}]).set_index("chosen")

# %% [markdown]
# ## What is worth working next

# %%
scores = pd.DataFrame(scorer.score(known.writeoffs, as_of=today, reasons=0).records())
left = scores[scores["in_scope"] & ~scores["writeoff_id"].isin(efforts["writeoff_id"])]
open_ = left.groupby("remedy").agg(writeoffs=("rank", "size"), expected=("expected_recovery", "sum"), hours=("expected_hours", "sum"))
print(f"{len(left):,} write-offs may still be owed by a payer, worth about ${left['expected_recovery'].sum():,.0f} if all were worked")
open_.sort_values("expected", ascending=False).head(12).round(0)

# %% [markdown]
# ## The model

# %%
manifest = read_manifest(model)
facts = {name: value for name, value in manifest["facts"].items() if isinstance(value, int | float)}
pd.Series({"model": manifest["bundle_hash"][:12], "knows until": manifest["cut"], **facts}, name="").to_frame()
