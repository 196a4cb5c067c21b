"""Names that differ only in case or spaces: mostly one payer, which is for people to say."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from features.batch import Batch


def spellings(names: Iterable[str]) -> list[list[str]]:
    """Return the names that are written in several ways, those of one together, all in order.

    Examples
    --------
    >>> spellings(["Fulton PPO", "Acme", "FULTON PPO", "FultonPPO"])
    [['FULTON PPO', 'Fulton PPO', 'FultonPPO']]
    """
    alike: dict[str, set[str]] = {}
    for name in names:
        alike.setdefault("".join(name.split()).casefold(), set()).add(name)
    return sorted(sorted(found) for found in alike.values() if len(found) > 1)


def payers_of(ledger: Batch) -> set[str]:
    """Return the payers of a ledger, as it writes them."""
    return {word for word in ledger.vocabulary.decode("payer_id", np.unique(ledger.columns["payer_id"])) if word}
