"""Tests of the pages of the work queue."""
