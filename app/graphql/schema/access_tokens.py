"""Access tokens: the type, the connection below the viewer, and the look-up by id."""
