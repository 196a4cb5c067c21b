"""A notebook becomes a page: parameters in, what it shows out, and nothing of an error's text but where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import BadData, UsageError
from recoup.report.notebook import run_notebook

SOURCE = """# %% [markdown]
# # Sums & words
#
# A paragraph.

# %% tags=["parameters"]
first = 1

# %%
import pandas as pd
print(f"<{first + 1}>")
pd.DataFrame({"amount": [first]})
"""


def test_a_notebook_runs_with_its_parameters(tmp_path: Path) -> None:
    path = tmp_path / "sums.py"
    path.write_text(SOURCE)
    page = run_notebook(path, {"first": 41})
    assert "<h1>Sums &amp; words</h1>" in page and "<pre>&lt;42&gt;\n</pre>" in page and "<td>41</td>" in page
    assert "import pandas" not in page and "<script" not in page and "http" not in page


def test_a_cell_that_fails_is_named_and_its_text_is_not(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(SOURCE + '\n# %%\nraise ValueError("account 12345")\n')
    with pytest.raises(BadData, match="ended with ValueError") as caught:
        run_notebook(path, {})
    assert "12345" not in str(caught.value)
    with pytest.raises(UsageError, match="there is no notebook"):
        run_notebook(tmp_path / "none.py", {})
