"""CustomersCall: one request of an authenticated caller, and how the Customers API reads its headers and its body."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from app.auth import Access
from app.clients.faces import CUSTOMER_ID, ENTITY_ID
from app.errors import Invalid, Malformed, NotFound, Problem
from app.http.bodies import WrongType, parse_json
from app.http.encodings import read_text
from app.http.responses import JsonResponse
from app.idempotency import RequestKey
from app.rest.call import Call

ENTITY_HEADERS = (b"x-entity-id", b"entity_id")


class CustomersResponse(JsonResponse):
    content_type = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class CustomersCall(Call):
    """The id in the path has its prefix, such as `cust_`."""

    access: Access

    @property
    def customer_id(self) -> str:
        """The id in the path without its prefix; an empty text if it has no prefix. No record has the empty id."""
        return bare_id(self.path_parameters["id"], CUSTOMER_ID.prefix)

    def entity(self) -> str:
        """The entity that the request is about: that of the header, or else the first entity of the token."""
        named = self.named_entity()
        organizations = self.access.principal.organizations
        if named is None and not organizations:
            raise NotFound("Your token has no entity.")
        return named or organizations[0]

    def scoped(self) -> Access:
        """The access of the caller, limited to the entity of the header when there is one."""
        named = self.named_entity()
        return self.access if named is None else self.access.narrow(named)

    def named_entity(self) -> str | None:
        """The entity of the headers. Raises Malformed when they differ, and NotFound."""
        names = {value for name, value in self.request.scope["headers"] if name in ENTITY_HEADERS and value}
        if not names:
            return None
        if len(names) > 1:
            raise Malformed("The headers x-entity-id and entity_id must name one entity.", "x-entity-id")
        return self.require_entity(names.pop().decode("latin-1"))

    def require_entity(self, public_id: str) -> str:
        """The entity's id without its prefix. Raises NotFound for an entity that the token cannot access."""
        entity = bare_id(public_id, ENTITY_ID.prefix)
        if entity not in self.access.principal.organizations:
            raise NotFound("There is no such entity")
        return entity

    async def read_object(self) -> dict[str, Any]:
        """The JSON object in the body."""
        check_json_type(self.request)
        body = parse_json(await read_text(self.request, self.services.body_cap))
        if not isinstance(body, dict):
            raise Invalid([Problem("", "type", "Expected object", body)])
        return body

    def request_key(self, operation: str, entity: str, values: object) -> RequestKey | None:
        """The identity of this request: its Idempotency-Key, or else the X-Request-Id that the caller chose."""
        headers = self.request.headers
        keys = set(headers.getlist("idempotency-key"))
        if len(keys) > 1:
            raise Malformed("The header Idempotency-Key must have one value.", "Idempotency-Key")
        key = keys.pop() if keys else headers.get("x-request-id") or None
        if key is None:
            return None
        return RequestKey.of(self.access.principal.owner, key, operation, entity, values)


def bare_id(public_id: str, prefix: str) -> str:
    return public_id.removeprefix(prefix) if public_id.startswith(prefix) else ""


def check_json_type(request: Request) -> None:
    """Raises WrongType for a body that is not JSON by its Content-Type; a body without a type is JSON."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise WrongType(f"The Content-Type of the body must be application/json; got {kind}.")
