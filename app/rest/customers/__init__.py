"""The Customers API: snake_case records over the same rows as the clients of v1."""

from app.rest.customers.api import customers_api

__all__ = ["customers_api"]
