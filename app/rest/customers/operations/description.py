"""The description of the Customers API, of which its OpenAPI document is made."""

from collections.abc import Mapping

from app.config import Config
from app.errors import ReadOnlyToken, TokenExpired, Unauthenticated
from app.http.bodies import too_large
from app.rest.customers.errors import CUSTOMERS_ERRORS
from app.rest.customers.operations import ROUTES, Handler
from app.rest.customers.operations.samples import CUSTOMER_ID, ENTITY_ID
from app.rest.customers.operations.schemas import make_schemas
from app.rest.customers.parameters import DEEPEST_QUERY, HIGHEST_LIMIT
from app.rest.openapi.headers import HEADERS, REQUEST_ID_PARAMETER
from app.rest.openapi.limits import common_errors, write_limits
from app.rest.operations import ApiDescription, CommonErrors, Errors, PathParameter, Schema, ref
from app.rest.router import BadEncoding

DESCRIPTION = """\
The customers of entities. A customer of this API and a client of the v1 Clients API are the same record, and an entity is an
organization.

HEAD works wherever GET does. A path that does not exist is 404 `not_found`, and a wrong method is 405 `method_not_allowed`
with the header `Allow`. Without a valid token every path is 401.

**Authentication.** Send the access token as `Authorization: Bearer TOKEN`. A key `sk_…` belongs to an account with its
entities, and `ek_…` to one entity.

**Pages** are found by cursors. A cursor is opaque, and belongs to the query, the search and the order with which it was made.

**Versions.** A customer has an `ETag`. A change with `If-Match` succeeds only if the customer still has that version, else 412.

**Errors** are `{{"code", "message", "request_id"}}`, and 422 has the problems by field in `cause`. A record of another entity and
a missing record give the same answer. The server itself rejects broken requests in plain text.

**Limits**

{limits}
"""

TAGS: Mapping[str, str] = {
    "Customers": "People and companies that receive or send documents.",
    "Entities": "The organizations that have customers.",
}
SECURITY: Mapping[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The access token with the scheme Bearer."}
}
BAD_PATH: Errors = (BadEncoding("%zz"),)
PATH_PARAMETERS: Mapping[str, PathParameter] = {
    "customers": PathParameter(
        component="CustomerId",
        description="The id of the customer: `cust_` and 24 hex digits.",
        example=CUSTOMER_ID,
        errors=BAD_PATH,
    ),
    "entities": PathParameter(
        component="EntityId",
        description="The id of the entity: `ent_` and 24 hex digits.",
        example=ENTITY_ID,
        errors=BAD_PATH,
    ),
}
UNAUTHENTICATED = (
    Unauthenticated("An access token is required"),
    Unauthenticated("The access token is not known"),
    TokenExpired("The access token has expired"),
)


def describe_customers(config: Config) -> ApiDescription[Handler]:
    """The description, with the limits of the service."""
    limits = write_limits(
        config,
        f"A page shows at most {HIGHEST_LIMIT} records.",
        f"A query has at most {DEEPEST_QUERY} levels.",
    )
    return ApiDescription(
        title="Clientele: Customers API",
        description=DESCRIPTION.format(limits=limits),
        tags=TAGS,
        operations=ROUTES,
        path_parameters=PATH_PARAMETERS,
        parameters=(REQUEST_ID_PARAMETER,),
        headers=HEADERS,
        schemas=make_schemas(),
        security=SECURITY,
        table=CUSTOMERS_ERRORS,
        error=ref("Error"),
        errors=CommonErrors(
            all=common_errors(config),
            authenticated=UNAUTHENTICATED,
            writing=(ReadOnlyToken("The token may only read"),),
            body=(too_large(config.body_cap),),
        ),
    )
