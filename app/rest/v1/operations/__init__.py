"""The routes of the v1 API: handlers, and all that its OpenAPI document tells about them."""

from app.rest.operations import Operations
from app.rest.v1.operations.accounts import ACCOUNT_ROUTES
from app.rest.v1.operations.clients import CLIENT_ROUTES
from app.rest.v1.operations.organizations import ORGANIZATION_ROUTES
from app.rest.v1.operations.shared import Handler
from app.rest.v1.operations.webhooks import WEBHOOK_ROUTES

ROUTES: Operations[Handler] = {**CLIENT_ROUTES, **ACCOUNT_ROUTES, **ORGANIZATION_ROUTES, **WEBHOOK_ROUTES}

__all__ = ["ROUTES", "Handler"]
