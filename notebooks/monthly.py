# %% [markdown]
# # The month
#
# What was written off and what came back, whether the predictions held, which payers changed, and what is worth working next.
# `recoup report monthly` fills the parameters in, runs this and makes one page of it.

# %% tags=["parameters"]
folder = ""  # a folder with writeoffs.csv and outcomes.csv; blank: a synthetic practice
mapping = ""  # a mapping file with the practice's own names, as `recoup doctor` proposes one; blank: the names are ours
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
from recoup.report.figures import decimal, dollars
from recoup.sample.practice import write_sample
from training.drift import watch

place = Path(folder or tempfile.mkdtemp())
if not folder:
    write_sample(place, rows=4_000, seed=11)
desk, today = open_desk(place, mapping), day(as_of)
pointer = read_pointer(Path(home)) if home else None
model = pointer.champion.folder(Path(home)) if pointer else Path(tempfile.mkdtemp()) / "model"
scorer = Scorer.load(model) if pointer else desk.fit(today - 61, model)
known = desk.coded_for(scorer, today)
ledger, efforts = frame(known.writeoffs), frame(known.outcomes)
cash = efforts.reindex(columns=["recovered_amount", "taken_back_amount"]).astype(float).fillna(0.0)
efforts = efforts.assign(net=cash["recovered_amount"] - cash["taken_back_amount"])
month = pd.Timestamp(iso(today)) - pd.DateOffset(months=1)
posted, ended = ledger[ledger["writeoff_date"] >= month], efforts[efforts["resolved_date"] >= month]
print(f"{len(posted):,} write-offs of ${posted['writeoff_amount'].sum():,.0f} were posted since {month:%Y-%m-%d};")
print(f"{len(ended):,} efforts ended and brought ${ended['net'].sum():,.0f} net of take-backs for {ended['hours_spent'].sum():,.0f} hours.")

# %% [markdown]
# ## What came back, by payer

# %%
back = ended.merge(ledger[["writeoff_id", "payer_id"]], on="writeoff_id").groupby("payer_id")
back = back.agg(efforts=("net", "size"), net=("net", "sum"), hours=("hours_spent", "sum")).sort_values("net", ascending=False).head(12)
pd.DataFrame(
    {
        "payer": back.index,
        "efforts": back["efforts"],
        "came back": back["net"].map(dollars),
        "hours": back["hours"].map("{:,.1f}".format),
        "an hour": (back["net"] / back["hours"]).map(dollars),
    }
).set_index("payer")

# %% [markdown]
# ## Whether the predictions held
#
# Of the newest model that served and was fitted before this morning: what it knows already it cannot predict.

# %%
served = [one.folder(Path(home)) for one in (pointer.champion, *reversed(pointer.history))] if pointer else [model]
judged = next((one for one in served if read_manifest(one)["cut"] < as_of), None)
parts = []
if judged is None:
    print(f"The champion knows all that came before {as_of}; whether its predictions hold is seen a month from now.")
else:
    older, place = Scorer.load(judged), judged / REFERENCE
    found = watch(older, desk.coded_for(older, today), today, json.loads(place.read_bytes()) if place.is_file() else {})
    print(headline(found))
    for line in [*found["advice"], *found["looks"]]:
        print("-", line)
    parts = [("by people", found["chosen"]), ("by lot", found["explored"])]
pd.DataFrame(
    {
        "work chosen": chosen,
        "results": part["results"],
        "recoveries predicted": part["predicted"],
        "recoveries seen": part["recovered"],
        "dollars predicted": dollars(part["predicted_dollars"]),
        "dollars seen": dollars(part["dollars"]),
    }
    for chosen, part in parts
).set_index("work chosen") if parts else None

# %% [markdown]
# ## What is worth working next

# %%
scores = pd.DataFrame(scorer.score(known.writeoffs, as_of=today, reasons=0).records())
left = scores[scores["in_scope"] & ~scores["writeoff_id"].isin(efforts["writeoff_id"])]
open_ = left.groupby("remedy").agg(writeoffs=("rank", "size"), expected=("expected_recovery", "sum"), hours=("expected_hours", "sum"))
print(f"{len(left):,} write-offs may still be owed by a payer, worth about ${left['expected_recovery'].sum():,.0f} if all were worked")
open_ = open_.sort_values("expected", ascending=False).head(12)
pd.DataFrame(
    {
        "what to do": [str(remedy).replace("_", " ") if remedy != "none" else "look at it first" for remedy in open_.index],
        "write-offs": open_["writeoffs"].map("{:,}".format),
        "worth": open_["expected"].map(dollars),
        "hours": open_["hours"].map("{:,.0f}".format),
        "worth an hour": (open_["expected"] / open_["hours"]).map(dollars),
    }
).set_index("what to do")

# %% [markdown]
# ## The model

# %%
manifest = read_manifest(model)
facts = manifest["facts"]
pd.Series(
    {
        "model": manifest["bundle_hash"][:12],
        "knows what came until the morning of": manifest["cut"],
        "write-offs that it saw": f"{facts['writeoffs']:,}",
        "decided efforts that it learned from": f"{facts['labels']:,}",
        "of them recovered": f"{facts['recovered']:,}",
        "of them drawn by lot": f"{facts['explored']:,}",
        "AUC on months left out": decimal(facts.get("auc_out_of_fold")),
        "calibration error on them": decimal(facts.get("ece_out_of_fold")),
    },
    name="",
).to_frame()
