"""Files to canonical columns, rejects and issues."""
