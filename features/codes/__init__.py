"""Claim adjustment codes: what each one means, in our own words, with the days it was in force."""

from features.codes.tables import FAMILIES, Codes

__all__ = ["FAMILIES", "Codes"]
