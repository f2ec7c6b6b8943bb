"""The command `clientele`: messages on stderr, results on stdout."""

from collections.abc import Callable, Mapping

import typer

from app.cli.accounts import account_create, account_password
from app.cli.documents import documents_check
from app.cli.organizations import organization_create, organization_list
from app.cli.outbox import outbox_list
from app.cli.serving import migrate_command, schema_command, serve_command
from app.cli.tokens import token_create, token_list, token_revoke
from app.cli.transfer import export_command, import_command
from app.errors import DomainError, Unavailable

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Clients and customers of invoicing organizations.")


def _add(group: typer.Typer, commands: Mapping[str, Callable[..., None]]) -> None:
    for name, command in commands.items():
        group.command(name)(command)


def _group(name: str, about: str, commands: Mapping[str, Callable[..., None]]) -> None:
    group = typer.Typer(no_args_is_help=True, help=about)
    _add(group, commands)
    cli.add_typer(group, name=name)


_add(cli, {"serve": serve_command, "migrate": migrate_command, "schema": schema_command})
_add(cli, {"import": import_command, "export": export_command})
_group(
    "account", "Accounts: who may use which organizations.", {"create": account_create, "password": account_password}
)
_group(
    "organization",
    "Organizations: whose clients these are.",
    {"create": organization_create, "list": organization_list},
)
_group("token", "Access tokens.", {"create": token_create, "list": token_list, "revoke": token_revoke})
_group("outbox", "Reminders, sent and to be sent.", {"list": outbox_list})
_group("documents", "Trusted documents: what front ends ask by an id.", {"check": documents_check})


def main() -> None:
    """Runs the command; an expected failure is one line on stderr and exit status 1."""
    try:
        cli()
    except DomainError as refusal:
        told = f"The database cannot be reached: {refusal.reason}" if isinstance(refusal, Unavailable) else str(refusal)
        typer.echo(f"clientele: {told}", err=True)
        raise SystemExit(1) from None
