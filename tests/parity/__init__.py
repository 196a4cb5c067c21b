"""Ours against the libraries they stand in for."""
