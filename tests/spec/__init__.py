"""Rules as small tables."""
