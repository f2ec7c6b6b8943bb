"""Nouns: the two spellings of a record as mutations need them, from the input to the payload."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson

from app.clients.erasure import erase_client
from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.clients.record import CLIENT_RULES, CUSTOMER_RULES
from app.clients.service import add_clients, change_client, remove_client, restore_client
from app.errors import NotFound
from app.graphql.execution.context import Info, chosen_organization, planned, read_id, write_global_id
from app.graphql.execution.loading import make_record, whole_record
from app.graphql.execution.plans import SelectionReader, plan_inside
from app.graphql.schema.inputs import to_plain
from app.graphql.schema.types import Client, Customer
from app.graphql.schema.user_errors import attempt
from app.idempotency import RequestKey, StoredResponse
from app.query.face import Face
from app.query.sql.render import Selection
from app.records.bodies import Mode, Rules, read_body

Work = Callable[[Selection], Awaitable[str]]
"""Writes, and gives the record as the selection renders it."""


class Noun:
    """One of the two spellings. Every function gives the payload of a mutation, and raises no expected refusal."""

    def __init__(self, face: Face, type_: Any, rules: Rules) -> None:
        self.face, self.type, self.rules = face, type_, rules
        self.key = face.noun.lower()
        self.whole = whole_record(face)

    def plan(self, info: Info, payload: str) -> Selection | None:
        """The selection of the payload's record; None when some of it needs a resolver, as an edge does."""

        def plan(reading: SelectionReader, nodes: Sequence[Any]) -> Selection | None:
            asked = reading.collect(nodes, frozenset({payload}))
            if any(group[0].name.value == f"{self.key}Edge" for group in asked.values()):
                return None
            return plan_inside(reading, nodes, self.face, (payload, self.key))

        return planned(info, self.face.name, plan)

    async def write(self, info: Info, payload: Any, work: Work, **more: Any) -> Any:
        """The payload of a write; `more` is what it also holds when the write was done."""
        selection = self.plan(info, payload.__name__)

        async def done() -> Any:
            json = await work(selection if selection is not None else self.whole)
            info.context.forget_loaded()
            return make_record(self.type, selection, json)

        def made(record: Any, errors: Any) -> Any:
            return payload(**{self.key: record}, **(more if record is not None else {}), user_errors=errors)

        return await attempt(done, made, ["input"])

    async def create(self, info: Info, payload: Any, organization_id: str | None, given: Any, key: str | None) -> Any:
        async def work(selection: Selection) -> str:
            context, body = info.context, to_plain(given)
            organization = need_organization(info, organization_id)
            values = read_body(self.face, body, self.rules, "create")
            answer = await add_clients(
                context.access,
                organization,
                [values],
                selection,
                key=request_key(
                    info, key, f"create {self.face.name}", organization, orjson.dumps(body), repr(selection)
                ),
                answer=lambda found: StoredResponse(200, found[0].json.encode()),
            )
            return answer.body.decode()

        return await self.write(info, payload, work)

    async def change(
        self, info: Info, payload: Any, given_id: str, given: Any, mode: Mode, expected: int | None
    ) -> Any:
        async def work(selection: Selection) -> str:
            body = to_plain(given)
            values = read_body(self.face, body, self.rules, mode)
            if mode == "replace":
                values = {column: values.get(column) for column in self.face.by_column()}
            found = await change_client(
                info.context.access,
                read_id(self.face.noun, given_id),
                values,
                selection,
                expected=expected,
                merge_metadata=body.get("metadata") is not None,
            )
            return found.json

        return await self.write(info, payload, work)

    async def delete(self, info: Info, payload: Any, given_id: str, expected: int | None) -> Any:
        return await self._move(remove_client, info, payload, given_id, expected, gone=True)

    async def restore(self, info: Info, payload: Any, given_id: str, expected: int | None) -> Any:
        return await self._move(restore_client, info, payload, given_id, expected, gone=False)

    async def erase(self, info: Info, payload: Any, given_id: str, expected: int | None) -> Any:
        return await self._move(erase_client, info, payload, given_id, expected, gone=True)

    async def _move(
        self, move: Any, info: Info, payload: Any, given_id: str, expected: int | None, *, gone: bool
    ) -> Any:
        """Into or out of the lists; what is `gone` is also named by its global id."""
        bare = read_id(self.face.noun, given_id)

        async def work(selection: Selection) -> str:
            found = await move(info.context.access, bare, selection, expected=expected)
            return str(found.json)

        more = {f"deleted_{self.key}_id": write_global_id(self.face.noun, bare)} if gone else {}
        return await self.write(info, payload, work, **more)


def need_organization(info: Info, given: str | None) -> str:
    organization = chosen_organization(info, given)
    if organization is None:
        raise NotFound("There is no such organization", "organizationId")
    return organization


def request_key(info: Info, key: str | None, *request: str | bytes) -> RequestKey | None:
    """The key with what makes two requests the same; the selection is part of it, for the kept answer is rendered."""
    return None if key is None else RequestKey.of(info.context.principal.owner, key, *request)


CLIENT = Noun(GRAPHQL_CLIENT, Client, CLIENT_RULES)
CUSTOMER = Noun(GRAPHQL_CUSTOMER, Customer, CUSTOMER_RULES)
