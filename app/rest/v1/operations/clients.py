"""The routes of clients."""

from dataclasses import replace

from app.clients.faces import V1
from app.clients.record import V1_RULES
from app.clients.reminders import NOT_VERIFIED, choose_address, choose_language
from app.errors import ABSENT, Invalid, KeyTaken, Malformed, NotVerified, Problem, Quota, TooMany
from app.mail.quotas import HOUR, explain_limit
from app.query.lists import MOST_MEMBERS
from app.records.bodies import read_body, read_new_body
from app.rest.operations import Answer, Errors, Operations, Parameter, list_of, raised_by, ref
from app.rest.v1 import reads, writes
from app.rest.v1.call import required_text, text_argument
from app.rest.v1.errors import (
    TooManyProblems,
    explain_item,
    no_model,
    not_replaced,
    other_id_in_change,
    other_id_in_replacement,
    stale_deletion,
    unknown_record,
)
from app.rest.v1.models import CLIENT as CLIENT_MODEL
from app.rest.v1.operations.samples import CLIENT, CLIENT_ID, NEW_CLIENT, ORGANIZATION_ID
from app.rest.v1.operations.shared import (
    COUNT,
    DELETED,
    FULL,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    NOT_MODIFIED,
    TAG_HEADER,
    TYPE_NEEDED,
    Handler,
    V1Operation,
    existence_answer,
    filter_parameter,
    list_answer,
    make_body,
    record_filter_parameter,
    replace_by_post,
    where_parameter,
)

TAG = "Clients"
OTHER_ID = "5a3683ea12d5a67dd0ef2f4d"
NO_ORGANIZATION = no_model(ORGANIZATION_ID)
NO_CLIENT = no_model(CLIENT_ID)
NOT_REPLACED = not_replaced(CLIENT_ID)
UNKNOWN = unknown_record(CLIENT_MODEL, CLIENT_ID)
TAKEN = KeyTaken("custom", "number", CLIENT_ID, OTHER_ID)
BLANK = raised_by(lambda: read_new_body(V1, {}, V1_RULES))
WRONG_TYPE = raised_by(lambda: read_body(V1, {"type": "string"}, V1_RULES, "update"))
UNKNOWN_PROPERTY = raised_by(lambda: read_body(V1, {"colour": "red"}, V1_RULES, "update"))
INVALID_ITEMS = TooManyProblems(
    [None, explain_item(Invalid([Problem("name", "presence", V1_RULES.messages.blank, ABSENT)]))]
)
NOT_OBJECTS = raised_by(lambda: writes.check_items([5]))
TOO_MANY_ITEMS = raised_by(lambda: writes.check_items([{}] * (MOST_MEMBERS + 1)))
NO_TERM = raised_by(lambda: required_text({}, "term"))
TERM_NOT_TEXT = raised_by(lambda: text_argument({"type": ["a", "b"]}, "type"))
WRONG_KIND = Malformed(f"type must be one of {', '.join(reads.TYPES)}; got 'neither'.", "type")
OTHER_ID_IN_PUT = other_id_in_replacement(CLIENT_ID, OTHER_ID)
OTHER_ID_IN_PATCH = other_id_in_change(CLIENT_ID, OTHER_ID)
TOO_MANY_REMINDERS = TooMany(explain_limit(Quota("reminders-per-hour", 20, HOUR), 90), 90)

SAVED = Answer(description="The client.", schema=ref("Client"), headers=TAG_HEADER, example=CLIENT)
CHANGE_ERRORS: Errors = (TAKEN, *FULL)

TERM = Parameter(
    name="term",
    description="The words to search for, in upper or lower case. Each word may be a part of a word. At most 20 words count.",
    required=True,
    example="string",
    errors=(NO_TERM,),
)
TYPE = Parameter(
    name="type",
    description="Limits the search to customers or suppliers. A client that is both is found by each.",
    schema={"type": "string", "enum": list(reads.TYPES)},
    example="customer",
    errors=(WRONG_KIND, TERM_NOT_TEXT),
)
EMAIL = Parameter(
    name="email",
    description="The recipient, if it is not in the body.",
    example="office@studio.example",
)
LANGUAGE = Parameter(name="l", description="The language, if it is not in the body.", example="en")

FIND: V1Operation = V1Operation(
    handler=reads.find,
    id="findClients",
    tag=TAG,
    summary="Find clients",
    description="A page of the clients of an organization, the newest first. Deleted clients are left out.",
    parameters=(filter_parameter(CLIENT_MODEL),),
    answers={200: list_answer(CLIENT_MODEL, "clients", CLIENT)},
    errors=(NO_ORGANIZATION,),
)
CREATE: V1Operation = V1Operation(
    handler=writes.create,
    id="createClient",
    tag=TAG,
    summary="Create a client",
    description=f"Creates a client. A list of at most {MOST_MEMBERS} objects creates all of them or none. "
    "Read-only properties in the body are ignored. A form creates one client.",
    parameters=(IDEMPOTENCY_KEY,),
    body=make_body(
        "NewClient",
        NEW_CLIENT,
        NOT_OBJECTS,
        TOO_MANY_ITEMS,
        form=False,
        schema={"anyOf": [ref("NewClient"), {**list_of(ref("NewClient")), "maxItems": MOST_MEMBERS}]},
    ),
    answers={
        200: Answer(
            description="The client, or the list of clients. Only a single client has an ETag.",
            schema={"anyOf": [ref("Client"), list_of(ref("Client"))]},
            headers=TAG_HEADER,
            example=CLIENT,
        )
    },
    errors=(NO_ORGANIZATION, BLANK, WRONG_TYPE, UNKNOWN_PROPERTY, INVALID_ITEMS, *CHANGE_ERRORS),
)
SEARCH: V1Operation = V1Operation(
    handler=reads.search,
    id="searchClients",
    tag=TAG,
    summary="Search clients",
    description="At most 100 clients that contain every word of the term, the best match first.",
    parameters=(TERM, TYPE),
    answers={200: Answer(description="The clients.", schema=list_of(ref("Client")), example=[CLIENT])},
    errors=(NO_ORGANIZATION,),
)
REPLACE: V1Operation = V1Operation(
    handler=writes.replace,
    id="replaceClient",
    tag=TAG,
    summary="Replace a client",
    description="Writes every property. An absent property gets its default or null; the organization stays.",
    parameters=(IF_MATCH,),
    body=make_body("NewClient", NEW_CLIENT, OTHER_ID_IN_PUT),
    answers={200: SAVED},
    errors=(NOT_REPLACED, BLANK, WRONG_TYPE, UNKNOWN_PROPERTY, *CHANGE_ERRORS),
)

CLIENT_ROUTES: Operations[Handler] = {
    ("POST", "/v1/organizations/{id}/clients"): CREATE,
    ("GET", "/v1/organizations/{id}/clients"): FIND,
    ("GET", "/v1/organizations/{id}/clients/count"): V1Operation(
        handler=reads.count,
        id="countClients",
        tag=TAG,
        summary="Count clients",
        description="The number of clients that meet the conditions. Deleted clients are not counted.",
        parameters=(where_parameter(CLIENT_MODEL),),
        answers={200: COUNT},
        errors=(NO_ORGANIZATION,),
    ),
    ("GET", "/v1/organizations/{id}/clients/search"): SEARCH,
    ("GET", "/v1/organizations/{id}/search-clients"): replace(
        SEARCH,
        id="searchClientsByOldPath",
        summary="Search clients by the older path",
        description="The same as `/clients/search`. The published SDKs use this path.",
    ),
    ("GET", "/v1/clients/{id}"): V1Operation(
        handler=reads.get,
        id="getClient",
        tag=TAG,
        summary="Get a client",
        parameters=(record_filter_parameter(CLIENT_MODEL), IF_NONE_MATCH),
        answers={
            200: Answer(description="The client.", schema=ref("PartialClient"), headers=TAG_HEADER, example=CLIENT),
            304: NOT_MODIFIED,
        },
        errors=(UNKNOWN,),
    ),
    ("GET", "/v1/clients/{id}/exists"): V1Operation(
        handler=reads.exists,
        id="clientExists",
        tag=TAG,
        summary="Ask whether a client exists",
        answers={200: existence_answer("client")},
    ),
    ("PUT", "/v1/clients/{id}"): REPLACE,
    ("POST", "/v1/clients/{id}/replace"): replace_by_post(REPLACE),
    ("PATCH", "/v1/clients/{id}"): V1Operation(
        handler=writes.patch,
        id="updateClient",
        tag=TAG,
        summary="Change a client",
        description="Writes the properties of the body. A document such as `custom` is replaced as a whole.",
        parameters=(IF_MATCH,),
        body=make_body("ClientChanges", {"city": "Ljubljana"}, OTHER_ID_IN_PATCH, TYPE_NEEDED),
        answers={200: SAVED},
        errors=(NO_CLIENT, BLANK, WRONG_TYPE, UNKNOWN_PROPERTY, *CHANGE_ERRORS),
    ),
    ("DELETE", "/v1/clients/{id}"): V1Operation(
        handler=writes.delete,
        id="deleteClient",
        tag=TAG,
        summary="Delete a client",
        description='Deletes a client. A list with `filter={"deleted":true}` still shows it.',
        parameters=(IF_MATCH,),
        answers={200: DELETED},
        errors=(stale_deletion(),),
    ),
    ("POST", "/v1/clients/{id}/send-reminder"): V1Operation(
        handler=writes.remind,
        id="sendReminder",
        tag=TAG,
        summary="Send a reminder",
        description="Puts a mail to the client into the outbox, which the service delivers. A mail cannot be taken back, so an "
        "unknown argument is an error.",
        parameters=(EMAIL, LANGUAGE, IDEMPOTENCY_KEY),
        body=replace(
            make_body("Reminder", {"email": "office@studio.example", "l": "en"}, TYPE_NEEDED, form=False),
            required=False,
        ),
        answers={
            200: Answer(description="The mail is in the outbox.", schema=ref("Success"), example={"success": True}),
        },
        errors=(
            NO_CLIENT,
            NotVerified(NOT_VERIFIED),
            raised_by(lambda: choose_address(None, None)),
            raised_by(lambda: choose_address("string", None)),
            raised_by(lambda: choose_language("string", "en")),
            raised_by(lambda: writes.check_arguments({"mail": "office@studio.example"}, {})),
            TOO_MANY_REMINDERS,
        ),
    ),
}
