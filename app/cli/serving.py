"""`serve`, `migrate` and `schema`."""

import asyncio
from dataclasses import replace
from typing import Annotated

import typer

from app.cli.checks import check_database, check_notices, check_settings
from app.cli.output import say, stdout
from app.cli.running import database_address, with_database
from app.config import Config
from app.demo import Demonstration, prepare_demo
from app.errors import Malformed
from app.server import base_address, describe, is_loopback, open_socket, serve
from app.storage.database import Database
from app.storage.migrations import find_missing, migrate, print_missing

MIGRATIONS_MISSING = 3
"""The exit code of `migrate --check` for a database that lacks migrations."""


def serve_command(
    host: Annotated[
        str | None, typer.Option(help="The address to listen on.", show_default="CLIENTELE_HOST, else 127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="The port to listen on; 0 selects a free port.",
            show_default="CLIENTELE_PORT, else 8000",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="The number of worker processes.", show_default="CLIENTELE_WORKERS, else 1"),
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
    check_settings(config)
    with open_socket(config.host, config.port) as opened, database_address(config, keep_running=True) as url:
        demo = asyncio.run(_prepare(config, url, migrate_first))
        say(describe(config, base_address(opened) + config.root_path, demo))
        if demo and is_loopback(opened):
            config = replace(config, demo_token=demo.token, sign_up=config.sign_up is not False)
        serve(replace(config, database_url=url), opened)


async def _prepare(config: Config, url: str, migrate_first: bool) -> Demonstration | None:
    database, embedded = Database(url, pool_size=2), config.embedded
    try:
        if embedded or migrate_first:
            await migrate(database)
        demo = await prepare_demo(database, config.data_dir) if embedded else None
    finally:
        await database.close()
    served = replace(config, database_url=url)
    if embedded or await check_database(served):
        await check_notices(served)
    return demo


def migrate_command(
    check: Annotated[
        bool,
        typer.Option("--check", help="List the missing migrations and change nothing; exit with 3 if there are any."),
    ] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Print the missing migrations as SQL and change nothing.")] = False,
) -> None:
    """Apply all migrations to the database."""
    if check and sql:
        raise Malformed("Give only one of --check and --sql.")
    if check:
        _check_migrations()
    elif sql:
        _write(with_database(print_missing, as_it_is=True))
    elif with_database(migrate, as_it_is=True):
        typer.echo("All migrations are applied.", err=True)
    else:
        typer.echo("A newer version has migrated the database. This version can use it; nothing was changed.", err=True)


def _check_migrations() -> None:
    """Prints the revision and the title of each missing migration, and exits with MIGRATIONS_MISSING if there are any."""
    missing = with_database(find_missing, as_it_is=True)
    for script in missing:
        say(f"{script.revision}\t{script.doc.splitlines()[0]}")
    if missing:
        typer.echo(f"Missing migrations: {len(missing)}. Run clientele migrate.", err=True)
        raise typer.Exit(MIGRATIONS_MISSING)
    typer.echo("No migration is missing.", err=True)


def schema_command() -> None:
    """Print the GraphQL schema, schema.graphql."""
    from app.graphql.schema.schema import print_schema

    _write(print_schema())


def _write(text: str) -> None:
    output = stdout()
    output.write(text.encode())
    output.flush()
