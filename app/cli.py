"""The command `clientele`: messages on stderr, results on stdout."""

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from app.accounts import service as accounts
from app.accounts.passwords import Passwords
from app.accounts.record import check_password
from app.auth import Environment, Scope
from app.clients.moving.places import open_output, open_records
from app.clients.moving.service import export_clients, import_clients
from app.config import Config
from app.demonstration import Demonstration, prepare_demo
from app.errors import Invalid, Malformed, Misconfigured, Problem, Refusal, Unavailable
from app.graphql.trusted import load_trusted
from app.mail.addresses import check_address
from app.mail.repository import Delivery, State, list_messages
from app.organizations import service as organizations
from app.query.values import parse_moment
from app.serving import base_address, describe, is_loopback, open_socket, say, serve
from app.storage.database import Database
from app.storage.embedded import embedded_postgres
from app.storage.migrations import at_head, migrate
from app.tokens import list_tokens, revoke_token

T = TypeVar("T")

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Clients and customers of invoicing organizations.")
account = typer.Typer(no_args_is_help=True, help="Accounts: who may use which organizations.")
organization = typer.Typer(no_args_is_help=True, help="Organizations: whose clients these are.")
token = typer.Typer(no_args_is_help=True, help="Access tokens.")
outbox = typer.Typer(no_args_is_help=True, help="Reminders, sent and to be sent.")
documents = typer.Typer(no_args_is_help=True, help="Trusted documents: what front ends ask by an id.")
cli.add_typer(account, name="account")
cli.add_typer(organization, name="organization")
cli.add_typer(token, name="token")
cli.add_typer(outbox, name="outbox")
cli.add_typer(documents, name="documents")


@contextmanager
def database_address(config: Config) -> Iterator[str]:
    """DATABASE_URL, or the embedded database for the length of the block."""
    if config.database_url is not None:
        yield config.database_url
        return
    with embedded_postgres(config.data_dir) as url:
        yield url


def with_database(work: Callable[[Database], Awaitable[T]]) -> T:
    """Runs some work on the configured database; an embedded one is brought to the newest migration first.

    Raises Misconfigured when migrations are missing.
    """
    config = Config.from_environment()

    async def run(url: str) -> T:
        database = Database(url, pool_size=2)
        try:
            if config.embedded:
                await migrate(database)
            elif work is not migrate:
                await _require_head(database)
            return await work(database)
        finally:
            await database.close()

    with database_address(config) as url:
        return asyncio.run(run(url))


async def _require_head(database: Database) -> None:
    async with database.read() as connection:
        if not await at_head(connection):
            raise Misconfigured("Migrations are missing from the database: run clientele migrate")


@cli.command("serve")
def serve_command(
    host: Annotated[str | None, typer.Option(help="The address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port; 0 takes a free one. [default: 8000]")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="How many processes. [default: 1]")] = None,
    migrate_first: Annotated[
        bool, typer.Option("--migrate", help="Bring DATABASE_URL to the newest migration first.")
    ] = False,
) -> None:
    """Serve all doors; without DATABASE_URL on an embedded PostgreSQL, with a demo in it while it is empty."""
    config = Config.from_environment()
    config = replace(
        config,
        host=host or config.host,
        port=config.port if port is None else port,
        workers=workers or config.workers,
    )
    load_trusted(config.documents)
    with open_socket(config.host, config.port) as opened, database_address(config) as url:
        demo = asyncio.run(_prepare(config, url, migrate_first))
        say(describe(config, base_address(opened), demo))
        shown = demo.token if demo and is_loopback(opened) else config.demo_token
        serve(replace(config, database_url=url, demo_token=shown), opened)


async def _prepare(config: Config, url: str, migrate_first: bool) -> Demonstration | None:
    database = Database(url, pool_size=2)
    try:
        if config.embedded or migrate_first:
            await migrate(database)
        return await prepare_demo(database, config.data_dir) if config.embedded else None
    finally:
        await database.close()


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the database to the newest migration."""
    with_database(migrate)
    typer.echo("The database is at the newest migration.", err=True)


@cli.command("schema")
def schema_command() -> None:
    """Print schema.graphql."""
    from app.graphql.schema import print_schema

    sys.stdout.write(print_schema())


@documents.command("check")
def documents_check(
    file: Annotated[Path, typer.Argument(help="A JSON object of ids and texts, or a manifest of Apollo's.")],
) -> None:
    """Check a file of trusted documents against the schema and the limits; prints each problem after its document's id."""
    from app.graphql.checking import check_documents

    trusted = load_trusted(file)
    problems = check_documents(trusted, Config.from_environment().cost_limit)
    for one in problems:
        say(str(one))
    if problems:
        wrong = len({one.document_id for one in problems})
        raise Malformed(f"{wrong} of {len(trusted.by_id)} documents cannot be answered")
    typer.echo(f"All {len(trusted.by_id)} documents are valid and within the limits.", err=True)


@account.command("create")
def account_create(email: Annotated[str, typer.Argument(help="The e-mail address to log in with.")]) -> None:
    """Make an account; prints its id."""
    address = check_address(email)
    say(with_database(lambda database: accounts.create_account(database, address)))


@account.command("password")
def account_password(email: Annotated[str, typer.Argument(help="The account's e-mail address.")]) -> None:
    """Give an account a password to log in with: asked for twice, or the first line of stdin. Ends its logins."""
    password = check_password(_read_password())
    passwords = Passwords(Config.from_environment().password_memory)
    with_database(lambda database: accounts.set_password(database, passwords, email, password))
    typer.echo("The password is set; whoever was logged in is no more.", err=True)


def _read_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    given = getpass.getpass("Password: ", stream=sys.stderr)
    if getpass.getpass("Once more: ", stream=sys.stderr) != given:
        raise Malformed("The two passwords are not the same")
    return given


@organization.command("create")
def organization_create(
    name: Annotated[str, typer.Argument(help="The organization's name, the sender of its reminders.")],
    id: Annotated[str | None, typer.Option(help="24 lower-case hex digits, to keep an id.")] = None,  # noqa: A002
    account: Annotated[str | None, typer.Option(help="The account that may use it, by e-mail address.")] = None,
    email: Annotated[str | None, typer.Option(help="Where answers to reminders go.")] = None,
    locale: Annotated[str, typer.Option(help="The language of reminders.")] = "en",
    environment: Annotated[Environment, typer.Option(help="Whether it is real.")] = Environment.LIVE,
) -> None:
    """Make an organization; prints its id."""
    reply_to = check_address(email) if email else None
    say(
        with_database(
            lambda database: organizations.create_organization(
                database,
                name,
                organization_id=id,
                account_email=account,
                email=reply_to,
                locale=locale,
                environment=environment,
            )
        )
    )


@organization.command("list")
def organization_list() -> None:
    """Print every organization: its id, a tab, its name."""
    for one in with_database(organizations.list_organizations):
        say(f"{one.id}\t{one.name}")


@token.command("create")
def token_create(
    organization: Annotated[str | None, typer.Option(help="The organization that the token opens, by id.")] = None,
    account: Annotated[str | None, typer.Option(help="The account whose organizations it opens, by e-mail.")] = None,
    scope: Annotated[Scope, typer.Option(help="What it may do; write includes read.")] = Scope.WRITE,
    environment: Annotated[
        Environment, typer.Option(help="Which of the account's organizations it opens.")
    ] = Environment.LIVE,
    expires: Annotated[str | None, typer.Option(help="When it expires: an ISO 8601 date or date-time in UTC.")] = None,
) -> None:
    """Make an access token; prints it, this once."""
    if (organization is None) == (account is None):
        raise Malformed("Name either --organization or --account")
    expires_at = _expiry(expires) if expires else None
    say(
        with_database(
            lambda database: organizations.create_token(
                database,
                organization_id=organization,
                account_email=account,
                scope=scope,
                environment=environment,
                expires_at=expires_at,
            )
        )
    )


def _expiry(text: str) -> datetime:
    moment = parse_moment(text)
    if moment is None or moment <= datetime.now(UTC):
        raise Invalid([Problem("--expires", "format", "must be an ISO 8601 moment in the future", text)])
    return moment


@token.command("list")
def token_list() -> None:
    """Print every token's id, owner, scope, state and expiry, with tabs between; never the token."""

    async def work(database: Database) -> list[str]:
        async with database.read() as connection:
            entries = await list_tokens(connection)
        return [
            "\t".join(
                (
                    one.id,
                    f"account {one.account_id}" if one.account_id else f"organization {one.organization_id}",
                    one.scope,
                    "expired" if one.expired else "valid",
                    one.expires_at.isoformat() if one.expires_at else "never expires",
                )
            )
            for one in entries
        ]

    for line in with_database(work):
        say(line)


@token.command("revoke")
def token_revoke(id: Annotated[str, typer.Argument(help="The token's id, as `token list` prints it.")]) -> None:  # noqa: A002
    """Revoke a token: from now on it opens nothing."""

    async def work(database: Database) -> bool:
        async with database.write() as connection:
            return await revoke_token(connection, id)

    if not with_database(work):
        raise Malformed(f"There is no token with the id {id}")
    typer.echo("The token is revoked.", err=True)


@cli.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="Clients as v1 shows them: JSON lines or one JSON list; - is stdin.")],
    organization: Annotated[str, typer.Option(help="The organization that gets them, by id.")],
) -> None:
    """Add the clients of a file with their ids and moments, all of them or none; prints how many."""
    with open_records(file) as records:
        size = records.seek(0, os.SEEK_END)
        shown = sys.stderr.isatty()
        with typer.progressbar(length=size, label="Importing", file=sys.stderr, hidden=not shown) as bar:
            count = with_database(
                lambda database: import_clients(
                    database, organization, records, lambda: bar.update(records.tell() - bar.pos)
                )
            )
    say(str(count))
    typer.echo(f"Clients imported: {count}", err=True)


@cli.command("export")
def export_command(
    organization: Annotated[str, typer.Option(help="The organization whose clients these are, by id.")],
    output: Annotated[Path | None, typer.Option(help="The file to write. [default: stdout]")] = None,
) -> None:
    """Print every client of an organization as JSON lines, deleted ones too, for `clientele import`."""
    with open_output(output) as file:
        count = with_database(lambda database: export_clients(database, organization, file.write))
    typer.echo(f"Clients exported: {count}", err=True)


@outbox.command("list")
def outbox_list(
    organization: Annotated[str | None, typer.Option(help="Only those of one organization, by id.")] = None,
    state: Annotated[State | None, typer.Option(help="Only those that are at this.")] = None,
) -> None:
    """Print messages, the newest first, with tabs between: id, client, to, language, state, attempts, created, sent, last error.

    The recipient of somebody who has been erased is empty, as is what has not happened.
    """

    async def work(database: Database) -> None:
        async with database.snapshot() as connection:
            async for one in list_messages(connection, organization, state):
                say(describe_message(one))

    with_database(work)


def describe_message(one: Delivery) -> str:
    times = [moment.isoformat(timespec="milliseconds") if moment else "" for moment in (one.created_at, one.sent_at)]
    told = (
        one.id,
        one.client_id,
        one.recipient,
        one.language,
        one.state,
        str(one.attempts),
        *times,
        one.last_error or "",
    )
    return "\t".join(told)


def main() -> None:
    """Runs the command; an expected failure is one line on stderr and exit status 1."""
    try:
        cli()
    except Refusal as refusal:
        told = f"The database cannot be reached: {refusal.reason}" if isinstance(refusal, Unavailable) else str(refusal)
        typer.echo(f"clientele: {told}", err=True)
        raise SystemExit(1) from None
