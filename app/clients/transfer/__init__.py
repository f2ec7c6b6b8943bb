"""Import and export of all clients of an organization, as files."""
