"""Fixtures of the service's tests."""

from tests.serving.store_fixtures import database_url, make_url, migrated, postgresql_url, store

__all__ = ["database_url", "make_url", "migrated", "postgresql_url", "store"]
