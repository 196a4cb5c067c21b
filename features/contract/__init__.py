"""What the contract pays for a line, what it pays for a claim, and why something is not priced."""

from features.contract.price import ContractRates, Priced, underpayment, valid_writeoff

__all__ = ["ContractRates", "Priced", "underpayment", "valid_writeoff"]
