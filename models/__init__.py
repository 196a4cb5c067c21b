"""Estimators, the scorer, the bundle and the registry."""
