"""The model as MLflow's own tools load it (`mlflow models serve`, `spark_udf`); our service never does.

MLflow runs this file when it logs or loads the model (models from code), so it holds no pickle.
"""

from __future__ import annotations

import json
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

with warnings.catch_warnings():
    # MLflow warns about its own type hints while it is imported.
    warnings.simplefilter("ignore")
    from mlflow.models import set_model
    from mlflow.pyfunc.model import PythonModel

from models.scores import SCORE_COLUMNS

EPOCH = date(1970, 1, 1)


class WriteOffModel(PythonModel):
    """Scores a frame of write-offs with the bundle among its artifacts; one row of scores for each row, in order.

    A write-off of zero dollars is not scored: its row is null throughout.

    `params`: `as_of` (YYYY-MM-DD; default: the bundle's data cut, so that the answer does not depend on a clock), `reasons`.
    """

    def load_context(self, context: Any) -> None:
        """Load the bundle; its hashes are checked."""
        from models.scorer import Scorer

        self._scorer = Scorer.load(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return the score columns as a frame; reasons are JSON text. No rows give no rows, but all columns."""
        asked = params or {}
        as_of = (date.fromisoformat(asked["as_of"]) - EPOCH).days if asked.get("as_of") else int(self._scorer.cut or 0)
        records = [{str(name): _cell(value) for name, value in row.items()} for row in model_input.to_dict("records")]
        scores = self._scorer.score_each(records, as_of=as_of, reasons=bool(asked.get("reasons", True)))
        for score in scores:
            if score is not None:
                score["reasons"] = json.dumps(score["reasons"], ensure_ascii=False, separators=(",", ":"))
        nothing = dict.fromkeys(SCORE_COLUMNS)
        return pd.DataFrame([nothing if score is None else score for score in scores], columns=list(SCORE_COLUMNS))


def _cell(value: Any) -> Any:
    """A frame's cell as a request would hold it: missing is None, numbers are plain."""
    if value is None or value is pd.NaT or value != value:
        return None
    if isinstance(value, pd.Timestamp | date):
        return value.strftime("%Y-%m-%d")
    return value.item() if hasattr(value, "item") else value


set_model(WriteOffModel())
