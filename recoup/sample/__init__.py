"""A synthetic practice: write-offs, remits, outcomes and the truth behind them."""
