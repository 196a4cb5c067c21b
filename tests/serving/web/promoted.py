"""A practice with models to promote: one that serves, one whose gates held and one whose gates did not."""

from __future__ import annotations

import os
from pathlib import Path

from models.account import Account
from models.pointer import read_pointer
from models.registry import Registry
from recoup.promoting import OwnProcess
from tests.models.test_registry import make_bundle
from tests.serving.web.practice import Practice, practice


def practice_with_models(home: Path) -> Practice:
    """Return the practice; version 1 serves, 2 held every gate, 3 failed one of calibration."""
    for word, tags in (("a", {}), ("b", {"gates": "held"}), ("c", {"gates": "failed", "gates_failed": "calibration"})):
        Registry(home).register(make_bundle(home / f"new-{word}", word), Account({"auc_out_of_fold": 0.7}, tags=tags))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RECOUP_")}
    return practice(home, candidates=OwnProcess(home, None, clean | {"RECOUP_HOME": str(home)}))


def serves(office: Practice) -> str:
    """Return the version that the pointer of the practice's home names."""
    pointer = read_pointer(office.home)
    assert pointer is not None
    return pointer.champion.version
