# %% [markdown]
# # 3. Evaluation and calibration
#
# A model of some months ago is judged on what was posted since, by what is known today: dollars found by the first hours against
# simpler orders, chances against what came of them, and sums with their bands.

# %% tags=["parameters"]
folder = ""  # a folder with writeoffs.csv and outcomes.csv; blank: a synthetic practice
mapping = ""  # a mapping file with the practice's own names, as `recoup doctor` proposes one; blank: the names are ours
cut = "2026-06-01"
as_of = "2026-11-01"

# %%
import tempfile
from pathlib import Path

import pandas as pd

from recoup.desk import day, open_desk
from recoup.report.evaluation import evaluation_html, headline
from recoup.sample.practice import write_sample
from training.evaluate import evaluate

place = Path(folder or tempfile.mkdtemp())
if not folder:
    write_sample(place, rows=6_000, seed=11)
desk = open_desk(place, mapping)
scorer = desk.fit(day(cut), Path(tempfile.mkdtemp()) / "model")
known = desk.coded_for(scorer, day(as_of))
result = evaluate(known.writeoffs, known.outcomes, scorer=scorer, as_of=day(as_of), start=day(cut), end=day(as_of))
print(headline(result))
print(f"{result['rows']:,} write-offs, {result['resolved_rows']:,} worked with a known result")

# %% [markdown]
# ## Dollars found by the first hours

# %%
print(pd.DataFrame(result["capacity"]).to_string(index=False))

# %% [markdown]
# ## Chances against what came of them

# %%
print(pd.DataFrame(result["reliability"]).to_string(index=False))
print(f"AUC {result['auc']}, Brier {result['brier']}, calibration error {result['ece']}")
print(f"predicted ${result['predicted_dollars']:,.0f}, came in ${result['actual_dollars']:,.0f}")

# %% [markdown]
# ## Months, and the bands of sums

# %%
print(pd.DataFrame(result["months"]).to_string(index=False))
print(pd.DataFrame(result["bands"]["payer_quarters"]).head(8).to_string(index=False))

# %% [markdown]
# ## The same as a page

# %%
page = Path(tempfile.mkdtemp()) / "evaluation.html"
page.write_text(evaluation_html(result))
print(f"{page.stat().st_size:,} bytes of report")
for warning in result["warnings"]:
    print("note:", warning)
