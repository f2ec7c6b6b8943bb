"""`account create`, `account list`, `account show`, `account verify` and `account password`."""

import getpass
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from app.cli.input import is_terminal, read_line
from app.cli.output import Json, Rows, print_record, print_result, report, show
from app.cli.running import with_database
from app.config import Config
from app.errors import Malformed

Email = Annotated[str, typer.Argument(help="The account's e-mail address.")]


def account_create(
    email: Annotated[str, typer.Argument(help="The e-mail address of the account, for logins.")],
    json: Json = False,
) -> None:
    """Create an account and print its id."""
    from app.accounts import service as accounts
    from app.mail.addresses import check_address
    from app.query.invisible import trim

    address = check_address(trim(email))
    print_result(with_database(lambda database: accounts.create_account(database, address)), "id", json)


def account_list(json: Json = False) -> None:
    """List every account with its id, e-mail address, state and creation time, the oldest first."""
    from app.accounts import service as accounts

    with Rows(("id", "e-mail address", "state", "created at"), as_json=json) as rows:
        for account in with_database(accounts.list_accounts):
            state = "verified" if account.verified else "unverified"
            rows.add((account.id, account.email, state, show(account.created_at)), account)


def account_show(email: Email, json: Json = False) -> None:
    """Show an account: its state, its organizations, and when it is deleted permanently if it is deleted."""
    from app.accounts import service as accounts

    details = with_database(lambda database: accounts.describe_account(database, email))
    pairs = details.organizations
    organizations = (
        [{"id": key, "name": name} for key, name in pairs] if json else [f"{name} ({key})" for key, name in pairs]
    )
    print_record({**asdict(details), "organizations": organizations}, json)


def account_verify(email: Email, json: Json = False) -> None:
    """Verify an account that signed up by itself, so that its organizations can send reminders.

    Anybody can sign up with the address of somebody else. Ask the owner of the address first, and set a new password with
    `account password` if the owner does not know the account.
    """
    from app.accounts import service as accounts

    with_database(lambda database: accounts.verify_account(database, email))
    report("The account is verified. Its organizations can send reminders.", json, email=email, verified=True)


def account_password(email: Email, json: Json = False) -> None:
    """Set the password of an account and end its sessions. Asks for it twice, or reads the first line of stdin."""
    from app.accounts import service as accounts
    from app.accounts.password_rules import check_password
    from app.accounts.passwords import Passwords

    password = check_password(_read_password())
    passwords = Passwords(Config.from_environment().password_memory)
    with_database(lambda database: accounts.set_password(database, passwords, email, password))
    report("The password is set. All sessions of the account have ended.", json, email=email)


def _read_password() -> str:
    if not is_terminal():
        return read_line()
    password = getpass.getpass("Password: ", stream=sys.stderr)
    if getpass.getpass("Repeat the password: ", stream=sys.stderr) != password:
        raise Malformed("The two passwords are not the same. Run the command again.")
    return password
