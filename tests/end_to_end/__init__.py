"""File in, answer out."""
