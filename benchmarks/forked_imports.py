"""What commands that are killed import, imported once; see `benchmarks.forked`."""

from __future__ import annotations

import serving.batch.ranking
import serving.jobs.worker
import serving.store.loading  # noqa: F401
