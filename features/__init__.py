"""What was known about a write-off on a day, as numbers."""
