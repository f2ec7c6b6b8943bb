"""The routes of the Customers API: handlers, and all that its OpenAPI document tells about them."""

from app.rest.customers.operations.customers import CUSTOMER_ROUTES
from app.rest.customers.operations.entities import ENTITY_ROUTES
from app.rest.customers.operations.shared import Handler
from app.rest.operations import Operations

ROUTES: Operations[Handler] = {**CUSTOMER_ROUTES, **ENTITY_ROUTES}

__all__ = ["ROUTES", "Handler"]
