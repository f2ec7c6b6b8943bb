"""Everything that is true of every record type."""
