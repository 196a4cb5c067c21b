"""What the service keeps: one database, SQLite where nothing else is named, PostgreSQL where it is. SQLAlchemy is known here only."""
