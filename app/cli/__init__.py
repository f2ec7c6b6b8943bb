"""The command `clientele`: results on stdout, messages on stderr.

Exit codes: 0 for success, 1 for an expected error, 2 for wrong arguments, 3 when `migrate --check` finds missing migrations,
130 after Ctrl-C, 141 when the reader of stdout has ended.
"""

import io
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated

import typer

from app.cli.accounts import account_create, account_list, account_password, account_show, account_verify
from app.cli.backups import backup_command, restore_command
from app.cli.configuration import config_show
from app.cli.database import database_remove, database_show
from app.cli.deletion import account_delete, account_restore, organization_delete, organization_restore
from app.cli.demo import demo_remove
from app.cli.documents import documents_check
from app.cli.download import download_command
from app.cli.erasure import erase_command
from app.cli.openapi import openapi_command
from app.cli.organizations import organization_create, organization_list, organization_show, organization_update
from app.cli.outbox import outbox_cancel, outbox_list, outbox_retry
from app.cli.output import OutputClosed, clean, shorten
from app.cli.serving import migrate_command, schema_command, serve_command
from app.cli.subjects import subject_export_command
from app.cli.tokens import token_create, token_list, token_revoke
from app.cli.transfer import export_command, import_command
from app.cli.webhooks import (
    webhook_create,
    webhook_delete,
    webhook_deliveries,
    webhook_list,
    webhook_redeliver,
    webhook_rotate_secret,
    webhook_test,
    webhook_update,
)
from app.errors import DomainError, Unavailable
from app.version import VERSION

CLOSED_PIPE = 141
"""128 and the number of SIGPIPE, as for programs that the signal ends."""

cli = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Serve and manage the clients of invoicing organizations.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"clientele {VERSION}")
        raise typer.Exit


@cli.callback()
def read_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The options before the name of a command."""


def _add(group: typer.Typer, commands: Mapping[str, Callable[..., None]]) -> None:
    for name, command in commands.items():
        group.command(name)(command)


def _add_group(name: str, about: str, commands: Mapping[str, Callable[..., None]]) -> None:
    group = typer.Typer(no_args_is_help=True, help=about)
    _add(group, commands)
    cli.add_typer(group, name=name)


_add(cli, {"serve": serve_command, "migrate": migrate_command, "schema": schema_command})
_add(cli, {"openapi": openapi_command})
_add(cli, {"download": download_command, "import": import_command, "export": export_command})
_add(cli, {"backup": backup_command, "restore": restore_command})
_add(cli, {"subject-export": subject_export_command, "erase": erase_command})
_add_group(
    "account",
    "Manage accounts, which log in and can access organizations.",
    {
        "create": account_create,
        "list": account_list,
        "show": account_show,
        "verify": account_verify,
        "password": account_password,
        "delete": account_delete,
        "restore": account_restore,
    },
)
_add_group(
    "organization",
    "Manage organizations, which own the clients.",
    {
        "create": organization_create,
        "list": organization_list,
        "show": organization_show,
        "update": organization_update,
        "delete": organization_delete,
        "restore": organization_restore,
    },
)
_add_group("token", "Manage access tokens.", {"create": token_create, "list": token_list, "revoke": token_revoke})
_add_group(
    "outbox",
    "Manage the reminders that were sent, wait or have failed.",
    {"list": outbox_list, "retry": outbox_retry, "cancel": outbox_cancel},
)
_add_group(
    "webhook",
    "Manage webhooks, which send the changes of an organization's clients to a URL.",
    {
        "list": webhook_list,
        "create": webhook_create,
        "update": webhook_update,
        "delete": webhook_delete,
        "rotate-secret": webhook_rotate_secret,
        "test": webhook_test,
        "deliveries": webhook_deliveries,
        "redeliver": webhook_redeliver,
    },
)
_add_group("config", "Show the settings.", {"show": config_show})
_add_group("database", "Manage the embedded database.", {"show": database_show, "remove": database_remove})
_add_group("demo", "Manage the demo that an empty embedded database gets.", {"remove": demo_remove})
_add_group("documents", "Check trusted documents, which front ends select by id.", {"check": documents_check})


def main() -> None:
    """Runs the command. An expected error is one line on stderr and exit status 1.

    Errors of the system that no command expects, such as a full disk under the text of --help, are expected here.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        cli()
    except DomainError as error:
        message = error.explanation if isinstance(error, Unavailable) else str(error)
        _complain(message)
        raise SystemExit(1) from None
    except (OutputClosed, BrokenPipeError):
        _close_output()
        raise SystemExit(CLOSED_PIPE) from None
    except OSError as error:
        _complain(f"{error.filename or 'the output'}: {error.strerror or error}")
        _close_output()
        raise SystemExit(1) from None


def _complain(message: str) -> None:
    """Prints an error, which may repeat any text that the operator gave."""
    lines = (shorten(clean(line)) for line in f"clientele: {message}".splitlines())
    with suppress(OSError):
        typer.echo("\n".join(lines), err=True)


def _close_output() -> None:
    """Lets Python flush stdout at its end without another error."""
    if sys.stdout is None:
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
