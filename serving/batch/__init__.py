"""A whole ledger scored and ranked in parts, by several processes of one machine."""
