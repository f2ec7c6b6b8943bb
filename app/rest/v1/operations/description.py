"""The description of the v1 API, of which its OpenAPI document is made."""

from collections.abc import Mapping

from app.config import Config
from app.errors import TokenExpired, Unauthenticated
from app.query.lists import MOST_MEMBERS
from app.rest.openapi.headers import HEADERS, REQUEST_ID_PARAMETER
from app.rest.openapi.limits import common_errors, write_limits
from app.rest.operations import ApiDescription, CommonErrors, Errors, PathParameter, Schema, ref
from app.rest.router import BadEncoding
from app.rest.v1.bodies import RECORD_CAP
from app.rest.v1.call import DEEPEST_QUERY
from app.rest.v1.errors import V1_ERRORS
from app.rest.v1.operations import ROUTES, Handler
from app.rest.v1.operations.samples import ACCOUNT_ID, CLIENT_ID, ORGANIZATION_ID, TOKEN_ID
from app.rest.v1.operations.schemas import make_schemas
from app.rest.v1.operations.webhook_schemas import make_webhook_schemas
from app.rest.v1.operations.webhooks import DELIVERY_ID, WEBHOOK_ID

DESCRIPTION = """\
The clients of organizations, as the v1 Clients API of LoopBack 3. A client of this API and a customer of the Customers API
are the same record.

Paths are read in upper and lower case, and a slash at their end does not count. HEAD works wherever GET does. A path or a
method that does not exist is 404 with LoopBack's text, such as `There is no method to handle GET /Nope`.

**Authentication.** Send the access token as `Authorization: TOKEN`, as the public document does, or as the query parameter
`access_token`. `Authorization: Bearer TOKEN` and `X-Access-Token: TOKEN` work, too. A header is safer, because logs and
histories keep addresses.

**Bodies** are JSON, or forms with brackets such as `custom[level]=3`. Values are read as laxly as LoopBack reads them: a number
is taken for a text. The schemas show the strict form, which always works. gzip and deflate are read.

**Versions.** A record has an `ETag`. A change with `If-Match` succeeds only if the record still has that version, else 412.

**Errors** have LoopBack's envelope: `{{"error": {{"statusCode", "name", "message", "code", "details"}}}}`. A record of another
organization and a missing record give the same answer. The server itself rejects broken requests in plain text.

**Limits**

{limits}
"""

TAGS: Mapping[str, str] = {
    "Clients": "People and companies that receive or send documents.",
    "Organizations": "Businesses that have clients.",
    "Accounts": "People and programs that log in.",
    "Access tokens": "Tokens of your account.",
    "Webhooks": "URLs that get the changes of an organization's clients, and the log of their deliveries.",
}
SECURITY: Mapping[str, Schema] = {
    "accessToken": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "The access token alone, without a scheme, as in the public document.",
    },
    "accessTokenParameter": {
        "type": "apiKey",
        "in": "query",
        "name": "access_token",
        "description": "The access token as a query parameter.",
    },
    "accessTokenHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Access-Token",
        "description": "The access token in a header of its own.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The access token with the scheme Bearer."},
}
BAD_PATH: Errors = (BadEncoding("%zz"),)
PATH_PARAMETERS: Mapping[str, PathParameter] = {
    "clients": PathParameter(
        component="ClientId", description="The id of the client.", example=CLIENT_ID, errors=BAD_PATH
    ),
    "organizations": PathParameter(
        component="OrganizationId", description="The id of the organization.", example=ORGANIZATION_ID, errors=BAD_PATH
    ),
    "accounts": PathParameter(
        component="AccountId", description="The id of your account.", example=ACCOUNT_ID, errors=BAD_PATH
    ),
    "webhooks": PathParameter(
        component="WebhookId", description="The id of the webhook.", example=WEBHOOK_ID, errors=BAD_PATH
    ),
    "deliveries": PathParameter(
        component="WebhookDeliveryId", description="The id of the delivery.", example=DELIVERY_ID, errors=BAD_PATH
    ),
    "accesstokens": PathParameter(
        component="AccessTokenId",
        description="The id of the access token, or the token itself.",
        example=TOKEN_ID,
        errors=BAD_PATH,
    ),
}
TOTAL: Mapping[str, Schema] = {
    "X-Total-Count": {
        "description": "The number of records on all pages.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1,
    }
}


def describe_v1(config: Config) -> ApiDescription[Handler]:
    """The description, with the limits of the service."""
    limits = write_limits(
        config,
        f"A list shows at most {config.page_cap:,} records; `skip` leads to the next ones.",
        f"A body with one record has at most {RECORD_CAP:,} bytes, and a list at most {MOST_MEMBERS:,} records.",
        f"A filter has at most {DEEPEST_QUERY} levels.",
    )
    unauthenticated = (Unauthenticated(""), TokenExpired(""))
    return ApiDescription(
        title="Clientele: v1 Clients API",
        description=DESCRIPTION.format(limits=limits),
        tags=TAGS,
        operations=ROUTES,
        path_parameters=PATH_PARAMETERS,
        parameters=(REQUEST_ID_PARAMETER,),
        headers={**HEADERS, **TOTAL},
        schemas={**make_schemas(), **make_webhook_schemas()},
        security=SECURITY,
        table=V1_ERRORS,
        error=ref("Error"),
        errors=CommonErrors(all=common_errors(config), authenticated=unauthenticated),
    )
