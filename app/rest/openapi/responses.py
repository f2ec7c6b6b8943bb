"""Responses of a document: those of an operation that succeeds, and its errors by their statuses."""

from collections.abc import Iterable, Mapping, Sequence

from starlette.requests import Request

from app.config import Config
from app.rest.boundary import ErrorCase, ErrorTable, ExpectedError, error_headers
from app.rest.openapi.components import Part
from app.rest.operations import JSON, TEXT, Answer, ApiDescription, Handler

PLAIN = "text/plain"
REQUEST_ID = "req_6595a27b5d35015c3ef0c3fd"
NAMES: Mapping[int, str] = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "RequestTimeout",
    409: "Conflict",
    412: "PreconditionFailed",
    413: "ContentTooLarge",
    414: "UriTooLong",
    415: "UnsupportedMediaType",
    421: "MisdirectedRequest",
    422: "UnprocessableContent",
    429: "TooManyRequests",
    431: "HeadersTooLarge",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}
"""The names of error responses in the components. Those of `http.HTTPStatus` differ between versions of Python."""
DESCRIPTIONS: Mapping[int, str] = {
    400: "The service cannot read the request. The message names the part that is wrong.",
    401: "The request has no valid access token.",
    403: "The access token is valid, but it may not do this.",
    404: "The record does not exist, is deleted, or belongs to another account.",
    408: "The request did not arrive in time.",
    409: "The request contradicts stored data.",
    412: "The record no longer has the version that If-Match names.",
    413: "The body or the answer is too large.",
    414: "The URL is too long.",
    415: "The service does not read the media type, the charset or the encoding of the body.",
    421: "The service does not answer for the host in the Host header.",
    422: "The body can be read, but its values are not valid. The error lists every problem.",
    429: "A limit is used up. Retry-After tells the seconds until the next request can succeed.",
    431: "The headers are too large.",
    500: "The service failed. The operator finds the cause in the log by the request id.",
    503: "The service or its database is busy or away. Retry-After tells when to try again.",
}
EVERYWHERE = ("X-Request-Id", "RateLimit", "RateLimit-Policy")
"""The headers of every response of the application. The limits are there if the request was counted."""


def edge_messages(config: Config) -> Mapping[int, Sequence[str]]:
    """The messages in plain text with which the server itself rejects a request, by their statuses."""
    return {
        400: ["Invalid HTTP request received.", "A request must have exactly one Host header."],
        408: ["The request did not arrive in time."],
        414: [f"The URL must have at most {config.url_cap} bytes."],
        421: ["The service does not answer for this host."],
        431: [
            f"A header must have at most {config.header_cap} bytes.",
            f"A request must have at most {config.header_count} headers.",
            f"The head of a request must have at most {config.head_cap} bytes.",
        ],
        503: ["Too many connections. Try again later."],
    }


def write_answer(answer: Answer) -> Part:
    """A successful response."""
    headers = {name: header_ref(name) for name in (*answer.headers, *EVERYWHERE)}
    part: Part = {"description": answer.description, "headers": headers}
    if answer.schema is not None:
        example = {} if answer.example is None else {"example": answer.example}
        part["content"] = {JSON: {"schema": answer.schema, **example}}
    return part


def header_ref(name: str) -> Part:
    return {"$ref": f"#/components/headers/{name}"}


def write_errors(
    api: ApiDescription[Handler], route: tuple[str, str], errors: Iterable[ExpectedError], config: Config
) -> dict[int, Part]:
    """The error responses of a route, by their statuses in ascending order."""
    request = make_request(*route)
    cases: dict[int, list[ErrorCase]] = {}
    for error in errors:
        case = api.table.find(error, request)
        cases.setdefault(case.status, []).append(case)
    edge = edge_messages(config)
    return {
        status: _write_error(api, status, cases.get(status, ()), edge.get(status, ()))
        for status in sorted({*cases, *edge})
    }


def make_request(method: str, path: str) -> Request:
    """The request that the examples of errors answer."""
    state = {"request_id": REQUEST_ID}
    return Request({"type": "http", "method": method, "path": path, "query_string": b"", "headers": [], "state": state})


def _write_error(api: ApiDescription[Handler], status: int, cases: Sequence[ErrorCase], edge: Sequence[str]) -> Part:
    headers = dict.fromkeys(to_header(name) for case in cases for name, _ in error_headers(case))
    content: Part = {}
    if cases:
        content[JSON] = {"schema": api.error, "examples": write_examples(api.table, cases)}
    if edge:
        examples = {f"{NAMES[status]}{index}": {"value": text} for index, text in enumerate(edge, 1)}
        content[PLAIN] = {"schema": TEXT, "examples": examples}
    names = [*headers, *(EVERYWHERE if cases else ())]
    named = {"headers": {name: header_ref(name) for name in dict.fromkeys(names)}} if names else {}
    return {"description": DESCRIPTIONS[status], **named, "content": content}


def to_header(name: bytes) -> str:
    """The usual spelling of a header: `retry-after` becomes `Retry-After`."""
    spelled = {"www-authenticate": "WWW-Authenticate", "ratelimit": "RateLimit", "ratelimit-policy": "RateLimit-Policy"}
    text = name.decode()
    return spelled.get(text, text.title())


def write_examples(table: ErrorTable, cases: Sequence[ErrorCase]) -> Part:
    """An example for each error, named by the class of the error. Equal bodies are one example."""
    examples: Part = {}
    for case in cases:
        name, body = type(case.error).__name__, table.write(case)
        if body in [example["value"] for example in examples.values()]:
            continue
        number = sum(name == other.rstrip("0123456789") for other in examples)
        examples[f"{name}{number + 1 if number else ''}"] = {"summary": case.error.message or name, "value": body}
    return examples
