"""What is true of every record type."""
