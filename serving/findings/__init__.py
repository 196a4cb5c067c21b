"""The ledger audit: rules that find what was posted wrongly, what is still owed, what it is worth, and why it keeps happening."""
