"""`serve`, `migrate` and `schema`."""

import asyncio
import sys
from dataclasses import replace
from typing import Annotated

import typer

from app.cli.running import database_address, with_database
from app.config import Config
from app.demo import Demonstration, prepare_demo
from app.graphql.server.trusted import load_trusted
from app.main import open_database
from app.server import base_address, describe, is_loopback, open_socket, say, serve
from app.storage.database import Database
from app.storage.migrations import migrate
from app.storage.readiness import Readiness

START_LIMIT = 15.0
"""Seconds for the check of the database at the start."""


def serve_command(
    host: Annotated[str | None, typer.Option(help="The address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port to listen on; 0 selects a free port. [default: 8000]")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="The number of worker processes. [default: 1]")
    ] = None,
    migrate_first: Annotated[
        bool, typer.Option("--migrate", help="Migrate the database at DATABASE_URL first.")
    ] = False,
) -> None:
    """Serve all APIs. Without DATABASE_URL, an embedded PostgreSQL is started; an empty one gets a demo."""
    config = Config.from_environment()
    config = replace(
        config,
        host=host or config.host,
        port=config.port if port is None else port,
        workers=workers or config.workers,
    )
    load_trusted(config.documents)
    with open_socket(config.host, config.port) as opened, database_address(config, keep_running=True) as url:
        demo = asyncio.run(_prepare(config, url, migrate_first))
        say(describe(config, base_address(opened) + config.root_path, demo))
        if demo and is_loopback(opened):
            config = replace(config, demo_token=demo.token, sign_up=config.sign_up is not False)
        serve(replace(config, database_url=url), opened)


async def _prepare(config: Config, url: str, migrate_first: bool) -> Demonstration | None:
    database = Database(url, pool_size=2)
    try:
        if config.embedded or migrate_first:
            await migrate(database)
        if config.embedded:
            return await prepare_demo(database, config.data_dir)
    finally:
        await database.close()
    await _check_database(replace(config, database_url=url))
    return None


async def _check_database(config: Config) -> None:
    """Says once why the service will not be ready. Raises Misconfigured for a server or a pooler that is never suitable."""
    readiness = Readiness(open_database(config), logs=False)
    try:
        problem = await readiness.find_problem(START_LIMIT)
        if readiness.flaw is not None:
            raise readiness.flaw
        if problem is not None:
            typer.echo(f"clientele: The service is not ready: {problem}. /readyz answers 503 until it is.", err=True)
    finally:
        await readiness.close()


def migrate_command() -> None:
    """Apply all migrations to the database."""
    if with_database(migrate):
        typer.echo("All migrations are applied.", err=True)
    else:
        typer.echo("A newer version has migrated the database. This version can use it; nothing was changed.", err=True)


def schema_command() -> None:
    """Print the GraphQL schema, schema.graphql."""
    from app.graphql.schema.schema import print_schema

    sys.stdout.write(print_schema())
