"""Estimators, the bundle and the registry."""
