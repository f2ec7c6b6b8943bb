"""Moving house: all the clients of an organization out of the service and into it, as files."""
