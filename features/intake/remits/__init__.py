"""835 remittances to write-off candidates: an own reader, netting, counts and the join onto a ledger."""

from features.intake.remits.import_ import RemitImport, import_remits

__all__ = ["RemitImport", "import_remits"]
