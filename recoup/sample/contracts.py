"""The contracts: what each payer agreed to pay for each procedure, and the table of it that the practice holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from recoup.sample.arrays import Floats, Ints, stream
from recoup.sample.payers import Payers
from recoup.sample.procedures import Procedures
from recoup.sample.tables import dates, money, text

MODIFIERS = ("", "25", "59", "95", "LT", "RT", "51", "50", "52")
MODIFIER_WEIGHT: Floats = np.array([0.797, 0.06, 0.03, 0.03, 0.0395, 0.0395, 0.0015, 0.0015, 0.0015])
MODIFIER_FACTOR: Floats = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 1.5, 0.5])


@dataclass(frozen=True)
class Contracts:
    """Agreed dollars per unit by payer and procedure in the first year, and the years' rises."""

    rate: Floats
    rise: Floats
    facility_factor: Floats
    first_year: int
    years: int

    def price(self, payer: Ints, procedure: Ints, year: Ints) -> Floats:
        """Give the agreed dollars per unit in a calendar year, in whole cents."""
        risen = self.rate[payer, procedure] * (1.0 + self.rise[payer]) ** (year - self.first_year)
        result: Floats = np.rint(risen * 100) / 100
        return result


def draw_contracts(seed: int, payers: Payers, procedures: Procedures, years: range, facilities: int) -> Contracts:
    """Draw a fee schedule per payer: its multiple of the Medicare fee, with its own mind on each procedure."""
    rng = stream(seed, "contracts")
    mind = rng.normal(0.0, 0.06, (len(payers.ids), len(procedures.codes)))
    return Contracts(
        rate=payers.multiplier[:, None] * procedures.fee[None, :] * np.exp(mind),
        rise=payers.rise,
        facility_factor=np.exp(rng.normal(0.0, 0.03, facilities)),
        first_year=years.start,
        years=len(years),
    )


def contract_table(contracts: Contracts, payers: Payers, procedures: Procedures) -> pa.Table:
    """Build contract_rates: one row per loaded payer, procedure and calendar year."""
    held = np.flatnonzero(payers.is_loaded)
    shape = (len(held), len(procedures.codes), contracts.years)
    payer, procedure, year = (axis.ravel().astype(np.int64) for axis in np.indices(shape))
    payer = held[payer]
    year = year + contracts.first_year
    first = np.array([(date(y, 1, 1) - date(1970, 1, 1)).days for y in range(year[0], year[-1] + 2)], dtype=np.int64)
    begins, ends = first[year - contracts.first_year], first[year - contracts.first_year + 1] - 1
    return pa.table(
        {
            "contract_id": text([f"K-{name}" for name in payers.ids], payer),
            "payer_id": text(payers.ids, payer),
            "procedure_code": text(procedures.codes, procedure),
            "effective_from": dates(begins),
            "effective_to": dates(ends),
            "method": text(("fee_schedule",), np.zeros_like(payer)),
            "value": money(np.rint(contracts.price(payer, procedure, year) * 100).astype(np.int64)),
            "unit_basis": text(("unit",), np.zeros_like(payer)),
            "lesser_of_charges": pa.array(np.ones(len(payer), dtype=np.bool_)),
        }
    )
