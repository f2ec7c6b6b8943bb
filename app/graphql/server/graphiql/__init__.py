"""GraphiQL, served by the service itself."""
