"""The schemas of the v1 API, in the components of its document."""

from collections.abc import Mapping

from app.accounts.descriptions import DESCRIPTIONS as ACCOUNT_DESCRIPTIONS
from app.accounts.faces import ACCOUNT
from app.accounts.password_rules import LONGEST_PASSWORD, SHORTEST_PASSWORD
from app.accounts.record import DEFAULT_TTL, ETERNAL, LONGEST_TTL
from app.accounts.record import RULES as ACCOUNT_RULES
from app.auth import Scope
from app.clients.descriptions import DESCRIPTIONS as CLIENT_DESCRIPTIONS
from app.clients.faces import CLIENT_TYPES, V1
from app.clients.record import DATA_KEYS, V1_RULES
from app.mail.message import LANGUAGES
from app.organizations.descriptions import DESCRIPTIONS as ORGANIZATION_DESCRIPTIONS
from app.organizations.faces import INCLUDED, ORGANIZATION
from app.organizations.record import RULES as ORGANIZATION_RULES
from app.rest.openapi.schemas import (
    DATE,
    RecordType,
    body_schema,
    filter_schemas,
    form_schema,
    or_null,
    record_schema,
)
from app.rest.operations import BOOLEAN, TEXT, Schema, list_of, object_of, ref
from app.rest.v1.dialect import LOOPBACK
from app.rest.v1.fields import RELATION
from app.rest.v1.models import ACCOUNT_MODEL, CLIENT, ORGANIZATION_MODEL, WEBHOOK, Model
from app.tokens import LONGEST_LABEL

OBJECT: Schema = {"type": "object", "additionalProperties": True}
DATA_ITEM: Schema = {
    "type": "object",
    "properties": {name: {} for name in DATA_KEYS},
    "additionalProperties": False,
}
CLIENT_VALUES: Mapping[str, Schema] = {
    "type": {"type": "string", "enum": list(CLIENT_TYPES)},
    "data": list_of(DATA_ITEM),
    "custom": {},
}
LISTS: Mapping[str, Schema] = {"custom": {}, "defaults": list_of({})}
CUSTOM: Mapping[str, Schema] = {"custom": OBJECT}

CLIENT_RECORD = RecordType(
    face=V1,
    rules=V1_RULES,
    description="A client: a person or company that receives or sends documents.",
    descriptions=CLIENT_DESCRIPTIONS,
    values=CLIENT_VALUES,
    written=CUSTOM,
)
ORGANIZATION_RECORD = RecordType(
    face=ORGANIZATION,
    rules=ORGANIZATION_RULES,
    description="An organization: a business that has clients.",
    descriptions=ORGANIZATION_DESCRIPTIONS,
    values=LISTS,
    written=CUSTOM,
)
ACCOUNT_RECORD = RecordType(
    face=ACCOUNT,
    rules=ACCOUNT_RULES,
    description="An account: a person or program that logs in and can access organizations.",
    descriptions=ACCOUNT_DESCRIPTIONS,
    values=LISTS,
    written=CUSTOM,
)
INCLUDED_RECORD = RecordType(
    face=INCLUDED,
    rules=ORGANIZATION_RULES,
    description="The organization of a client, embedded by `include`.",
    descriptions=ORGANIZATION_DESCRIPTIONS,
)

PASSWORD: Schema = {
    "type": "string",
    "minLength": 1,
    "writeOnly": True,
    "description": f"At least {SHORTEST_PASSWORD} characters and at most {LONGEST_PASSWORD} bytes. Common ones are not valid.",
}
TTL: Schema = {
    "type": "integer",
    "minimum": ETERNAL,
    "maximum": LONGEST_TTL,
    "description": f"The lifetime in seconds. {ETERNAL} never expires. The default is {DEFAULT_TTL}.",
}
SCOPES: Schema = {
    **list_of({"type": "string", "enum": list(Scope)}),
    "description": "The scopes. `write` includes `read`.",
}
LABEL: Schema = {
    "type": ["string", "null"],
    "maxLength": LONGEST_LABEL,
    "description": "A text that tells tokens apart.",
}
TOKEN_PROPERTIES: Mapping[str, Schema] = {
    "id": {**TEXT, "description": "The token itself in the answer that makes it. In a list it is an id of the token."},
    "ttl": {"type": "integer", "description": f"The lifetime in seconds. {ETERNAL} never expires."},
    "created": {**DATE, "description": "The time of the creation."},
    "userId": {"type": ["string", "null"], "description": "The id of the account."},
    "scopes": SCOPES,
}
LISTED_PROPERTIES: Mapping[str, Schema] = {
    **TOKEN_PROPERTIES,
    "label": LABEL,
    "expires": {**or_null(DATE), "description": "The time of the expiry. Null for a token that never expires."},
    "lastUsed": {**or_null(DATE), "description": "The time of the last use, to the hour."},
    "parentId": {"type": ["string", "null"], "description": "The id of the token that made this one and ends it."},
}
LOGIN: Schema = {
    "type": "object",
    "required": ["email", "password"],
    "properties": {"email": TEXT, "password": {**TEXT, "writeOnly": True}, "ttl": TTL},
    "description": "An e-mail address and a password. `username` is another name for `email`.",
}
NEW_TOKEN: Schema = {"type": "object", "properties": {"ttl": TTL, "scopes": SCOPES, "label": LABEL}}
PASSWORD_CHANGE: Schema = {
    "type": "object",
    "required": ["oldPassword", "newPassword"],
    "properties": {"oldPassword": {**TEXT, "minLength": 1, "writeOnly": True}, "newPassword": PASSWORD},
}
REMINDER: Schema = {
    "type": "object",
    "properties": {
        "email": {
            "type": ["string", "null"],
            "description": "The recipient. The default is the address of the client.",
        },
        "l": {
            "type": ["string", "null"],
            "description": f"The language: {', '.join(LANGUAGES)}. The default is that of the organization.",
        },
    },
    "additionalProperties": False,
}
PROBLEMS: Schema = {"type": "object", "additionalProperties": list_of(TEXT)}
ERROR_BODY: Schema = {
    "type": "object",
    "required": ["statusCode", "message"],
    "properties": {
        "statusCode": {"type": "integer", "description": "The status of the response."},
        "name": {**TEXT, "description": "The name of the error in LoopBack."},
        "message": {**TEXT, "description": "The explanation of the error."},
        "code": {**TEXT, "description": "A stable word for the error, where there is one."},
        "details": {
            "description": "For invalid values an object with `context`, `codes` and `messages`. For a list of clients, an "
            "error or null for each of them.",
            "anyOf": [ref("ValidationDetails"), OBJECT, {"type": "array", "items": or_null(OBJECT)}],
        },
    },
}


def _account_body() -> Schema:
    """A new account with its password, which no face has."""
    body = body_schema(ACCOUNT_RECORD, "A new account.", whole=True)
    return {
        **body,
        "required": [*body["required"], "password"],
        "properties": {**body["properties"], "password": PASSWORD},
    }


def _partial_client() -> Schema:
    """A client of a read, whose filter may leave fields out and include the organization."""
    schema = record_schema(CLIENT_RECORD, complete=False)
    return {**schema, "properties": {**schema["properties"], RELATION: ref("IncludedOrganization")}}


def filter_schema(model: Model, where: str) -> Schema:
    """LoopBack's filter of a list. Members that it does not know are ignored."""
    properties: dict[str, Schema] = {
        "where": {**ref(where), "description": "The conditions, all of which hold."},
        **record_filter(model)["properties"],
        "order": {
            "anyOf": [TEXT, list_of(TEXT)],
            "description": "The order: `name ASC`, `name DESC`, or a list of such texts. The newest of equal records comes first.",
        },
        "limit": {
            "type": "integer",
            "minimum": 1,
            "description": "The most records. It is shortened to the cap of a page.",
        },
        "skip": {"type": "integer", "minimum": 0, "description": "The number of records before the page."},
        "offset": {"type": "integer", "minimum": 0, "description": "Another name for `skip`, which wins."},
    }
    if model in (CLIENT, WEBHOOK):
        properties["deleted"] = {**BOOLEAN, "description": "True lists deleted records, too."}
    return {"type": "object", "description": "LoopBack's filter.", "properties": properties}


def record_filter(model: Model) -> Schema:
    """The filter on a single record."""
    names = list(model.face.fields)
    name: Schema = {"type": "string", "enum": names}
    flags: Schema = {"type": "object", "properties": dict.fromkeys(names, BOOLEAN), "additionalProperties": False}
    properties: dict[str, Schema] = {
        "fields": {
            "anyOf": [list_of(name), flags],
            "description": "The properties to show: their names, or an object with true for shown or false for hidden ones.",
        }
    }
    if model.relations:
        properties["include"] = {
            "anyOf": [{"type": "string", "enum": list(model.relations)}, OBJECT],
            "description": "`organization` embeds the organization of a client. An object has `relation` and `scope`.",
        }
    return {"type": "object", "description": "LoopBack's filter on one record.", "properties": properties}


def make_schemas() -> dict[str, Schema]:
    """Every schema by its name."""
    schemas: dict[str, Schema] = {
        "Client": record_schema(CLIENT_RECORD),
        "PartialClient": _partial_client(),
        "IncludedOrganization": record_schema(INCLUDED_RECORD, complete=False),
        "NewClient": body_schema(
            CLIENT_RECORD, "A new client, or all values of a client that is replaced.", whole=True
        ),
        "ClientChanges": body_schema(CLIENT_RECORD, "The properties of a client to change.", whole=False),
        "ClientFilter": filter_schema(CLIENT, "ClientWhere"),
        "ClientRecordFilter": record_filter(CLIENT),
        **filter_schemas("ClientWhere", V1, LOOPBACK, "Conditions on clients, all of which hold."),
        "Organization": record_schema(ORGANIZATION_RECORD),
        "PartialOrganization": record_schema(ORGANIZATION_RECORD, complete=False),
        "NewOrganization": body_schema(ORGANIZATION_RECORD, "A new organization.", whole=True),
        "OrganizationChanges": body_schema(
            ORGANIZATION_RECORD, "The properties of an organization to change.", whole=False
        ),
        "OrganizationFilter": filter_schema(ORGANIZATION_MODEL, "OrganizationWhere"),
        "OrganizationRecordFilter": record_filter(ORGANIZATION_MODEL),
        **filter_schemas(
            "OrganizationWhere", ORGANIZATION, LOOPBACK, "Conditions on organizations, all of which hold."
        ),
        "Account": record_schema(ACCOUNT_RECORD),
        "PartialAccount": record_schema(ACCOUNT_RECORD, complete=False),
        "AccountRecordFilter": record_filter(ACCOUNT_MODEL),
        "NewAccount": _account_body(),
        "Login": LOGIN,
        "PasswordChange": PASSWORD_CHANGE,
        "NewAccessToken": NEW_TOKEN,
        "AccessToken": {**object_of(**TOKEN_PROPERTIES), "properties": {**TOKEN_PROPERTIES, "label": LABEL}},
        "ListedAccessToken": object_of(**LISTED_PROPERTIES),
        "Reminder": REMINDER,
        "Count": object_of(count={"type": "integer", "minimum": 0}),
        "Existence": object_of(exists=BOOLEAN),
        "Uniqueness": object_of(isUnique=BOOLEAN),
        "Success": object_of(success=BOOLEAN),
        "ValidationDetails": object_of(context=TEXT, codes=PROBLEMS, messages=PROBLEMS),
        "Error": object_of(error=ERROR_BODY),
    }
    return schemas | {f"{name}Form": form_schema(schemas[name]) for name in FORMS}


FORMS = (
    "NewClient",
    "ClientChanges",
    "NewOrganization",
    "OrganizationChanges",
    "NewAccount",
    "Login",
    "PasswordChange",
)
"""The bodies that may be forms."""
