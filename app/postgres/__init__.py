"""The embedded PostgreSQL: it is started, stopped and removed here."""
