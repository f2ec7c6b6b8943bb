"""The Customers door: snake_case records over the same rows as the clients of v1."""

from app.rest.customers.routes import customer_routes

__all__ = ["customer_routes"]
