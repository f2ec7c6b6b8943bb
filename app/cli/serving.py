"""`serve`, `migrate` and `schema`."""

from dataclasses import replace
from typing import Annotated

import typer

from app.cli.output import Json, Rows, report, stdout
from app.cli.running import with_database
from app.config import Config
from app.errors import Malformed

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
    from app.cli.service import run_service

    config = Config.from_environment()
    config = replace(
        config,
        host=host or config.host,
        port=config.port if port is None else port,
        workers=workers or config.workers,
    )
    run_service(config, migrate_first=migrate_first)


def migrate_command(
    check: Annotated[
        bool,
        typer.Option("--check", help="List the missing migrations and change nothing; exit with 3 if there are any."),
    ] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Print the missing migrations as SQL and change nothing.")] = False,
    json: Json = False,
) -> None:
    """Apply all migrations to the database."""
    from app.storage.migrations import migrate, print_missing

    if check and sql:
        raise Malformed("Give only one of --check and --sql.")
    if check:
        _check_migrations(json)
    elif sql:
        _write(with_database(print_missing, as_it_is=True))
    elif with_database(migrate, as_it_is=True):
        report("All migrations are applied.", json, migrated=True)
    else:
        message = "A newer version has migrated the database. This version can use it; nothing was changed."
        report(message, json, migrated=False)


def _check_migrations(json: bool) -> None:
    """Lists the revision and the title of each missing migration, and exits with MIGRATIONS_MISSING if there are any."""
    from app.storage.migrations import find_missing

    missing = with_database(find_missing, as_it_is=True)
    with Rows(("revision", "title"), as_json=json) as rows:
        for script in missing:
            row = (script.revision, script.doc.splitlines()[0])
            rows.add(row, dict(zip(("revision", "title"), row, strict=True)))
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
