"""The bare handlers that the service is compared with: the least work of Starlette and asyncpg for the same data.

They have no tokens, no rules and no history. They return asyncpg's rows of the service's own table through orjson.
DATABASE_URL names the database.
"""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

COLUMNS = (
    "id",
    "name",
    "address",
    "address2",
    "city",
    "zip",
    "state",
    "country",
    "tax_number",
    "company_number",
    "contact",
    "note",
    "iban",
    "bank",
    "swift",
    "website",
    "email",
    "phone",
    "business_type",
    "fiscal_region_code",
    "country_alpha2_code",
    "created_at",
)
LIST = ", ".join(COLUMNS)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=4, max_size=8) as pool:
        app.state.pool = pool
        yield


def respond(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


async def one(request: Request) -> Response:
    row = await request.app.state.pool.fetchrow(
        f"SELECT {LIST} FROM clients WHERE organization_id = $1 AND id = $2",  # noqa: S608 - the text is the benchmark's own
        request.path_params["organization"],
        request.path_params["id"],
    )
    return respond(dict(row))


async def page(request: Request) -> Response:
    size = int(request.query_params["n"])
    rows = await request.app.state.pool.fetch(
        f"SELECT {LIST} FROM clients WHERE organization_id = $1 ORDER BY id LIMIT {size + 1}",  # noqa: S608 - the text is the benchmark's own
        request.path_params["organization"],
    )
    edges = [{"cursor": row["id"], "node": dict(row)} for row in rows[:size]]
    return respond({"edges": edges, "pageInfo": {"hasNextPage": len(rows) > size}})


async def count(request: Request) -> Response:
    total = await request.app.state.pool.fetchval(
        "SELECT count(*) FROM clients WHERE organization_id = $1 AND deleted_at IS NULL",
        request.path_params["organization"],
    )
    return respond({"count": total})


async def create(request: Request) -> Response:
    body = orjson.loads(await request.body())
    row = await request.app.state.pool.fetchrow(
        f"INSERT INTO clients (id, organization_id, name, email) VALUES ($1, $2, $3, $4) RETURNING {LIST}",  # noqa: S608 - the text is the benchmark's own
        secrets.token_hex(12),
        body["organizationId"],
        body["name"],
        body["email"],
    )
    return respond(dict(row))


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/one/{organization}/{id}", one),
        Route("/page/{organization}", page),
        Route("/count/{organization}", count),
        Route("/create", create, methods=["POST"]),
    ],
)
