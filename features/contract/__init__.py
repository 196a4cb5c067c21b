"""What the contract pays for a line, what it pays for a claim, and why something is not priced."""

from features.contract.case import CasePrice, price_cases
from features.contract.modifiers import modifier_table
from features.contract.price import ContractRates, Priced, underpayment, valid_writeoff
from features.contract.reasons import REASONS, SENTENCES
from features.contract.sentence import cite

__all__ = [
    "REASONS",
    "SENTENCES",
    "CasePrice",
    "ContractRates",
    "Priced",
    "cite",
    "modifier_table",
    "price_cases",
    "underpayment",
    "valid_writeoff",
]
