"""Tests of `features/intake`."""
