"""The life of a GraphQL operation, from the request to the response."""
