# %% [markdown]
# # A first look: from a practice's files to a ranked list
#
# Draws a small synthetic practice, learns from what was known on a day, ranks what was posted since, and compares the order of
# work with simpler ones. Every step is a public function; with files of your own, start at "Read".

# %%
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from features.codes.tables import Codes
from features.intake.table_file import read_table
from features.tables import CONTRACT_RATES, OUTCOMES, WRITEOFFS
from features.vocabulary import Vocabulary
from models.scorer import Scorer
from recoup.sample.practice import write_sample
from training.evaluate import evaluate
from training.fit import train
from training.publish import publish

ROWS = 8_000
CUT, TODAY = np.datetime64("2026-06-01"), np.datetime64("2026-11-01")
FOLDER = Path(tempfile.mkdtemp())


def day(date: np.datetime64) -> int:
    """Return days since 1970-01-01, as all functions take days."""
    return int(date.astype("datetime64[D]").astype(np.int64))


# %% [markdown]
# ## Read
# Text is coded once, by one vocabulary; whatever cannot be read is in `rejects`, with its row and rule.

# %%
write_sample(FOLDER, rows=ROWS, seed=11)
words = Vocabulary(Codes.load().seed_words())
writeoffs = read_table(FOLDER / "writeoffs.csv", WRITEOFFS, vocabulary=words)
outcomes = read_table(FOLDER / "outcomes.csv", OUTCOMES, vocabulary=words)
contracts = read_table(FOLDER / "contract_rates.csv", CONTRACT_RATES, vocabulary=words)
print(f"{len(writeoffs.batch):,} write-offs, {len(outcomes.batch):,} efforts, {len(writeoffs.rejects)} rows rejected")

# %% [markdown]
# ## Learn
# `train` sees only what was known on the morning of the cut, however far the files run.

# %%
bundle = train(writeoffs.batch, outcomes.batch, tables={"contracts": contracts.batch}, as_of=day(CUT))
publish(bundle, FOLDER / "bundle", name="first look", created=datetime.now(UTC).isoformat())
scorer = Scorer.load(FOLDER / "bundle")
print(bundle.facts)

# %% [markdown]
# ## Rank
# Scores are arrays; `table()` has them as a file would, ready for pandas.

# %%
fresh = read_table(FOLDER / "writeoffs.csv", WRITEOFFS, vocabulary=scorer.vocabulary.overlay()).batch
since = fresh.take(fresh.columns["writeoff_date"] >= day(CUT))
scores = pd.DataFrame(scorer.score(since, as_of=day(TODAY), reasons=10).ranked().table())
print(
    scores[["writeoff_id", "category", "remedy", "recovery_probability", "expected_recovery", "days_left"]].head(10).to_string(index=False)
)

# %% [markdown]
# ## Judge
# Of the efforts on write-offs posted since the cut: what share of their recovered dollars would each order have found first?

# %%
efforts = read_table(FOLDER / "outcomes.csv", OUTCOMES, vocabulary=fresh.vocabulary).batch
result = evaluate(fresh, efforts, scorer=scorer, as_of=day(TODAY), start=day(CUT), end=day(TODAY))
print(pd.DataFrame(result["capacity"]).to_string(index=False))
for warning in result["warnings"]:
    print("note:", warning)
