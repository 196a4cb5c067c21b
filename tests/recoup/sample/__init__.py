"""Tests of the synthetic practice."""
