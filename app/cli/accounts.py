"""`account create`, `account list`, `account verify` and `account password`."""

import getpass
import sys
from typing import Annotated

import typer

from app.accounts import service as accounts
from app.accounts.password_rules import check_password
from app.accounts.passwords import Passwords
from app.cli.input import is_terminal, read_line
from app.cli.output import say
from app.cli.running import with_database
from app.config import Config
from app.errors import Malformed
from app.mail.addresses import check_address
from app.query.invisible import trim


def account_create(
    email: Annotated[str, typer.Argument(help="The e-mail address of the account, for logins.")],
) -> None:
    """Create an account and print its id."""
    address = check_address(trim(email))
    say(with_database(lambda database: accounts.create_account(database, address)))


def account_list() -> None:
    """Print the id, e-mail address, state and creation time of every account, separated by tabs."""
    for account in with_database(accounts.list_accounts):
        state = "verified" if account.verified else "unverified"
        say(f"{account.id}\t{account.email}\t{state}\t{account.created_at.isoformat(timespec='seconds')}")


def account_verify(email: Annotated[str, typer.Argument(help="The account's e-mail address.")]) -> None:
    """Verify an account that signed up by itself, so that its organizations can send reminders.

    Anybody can sign up with the address of somebody else. Ask the owner of the address first, and set a new password with
    `account password` if the owner does not know the account.
    """
    with_database(lambda database: accounts.verify_account(database, email))
    typer.echo("The account is verified. Its organizations can send reminders.", err=True)


def account_password(email: Annotated[str, typer.Argument(help="The account's e-mail address.")]) -> None:
    """Set the password of an account and end its sessions. Asks for it twice, or reads the first line of stdin."""
    password = check_password(_read_password())
    passwords = Passwords(Config.from_environment().password_memory)
    with_database(lambda database: accounts.set_password(database, passwords, email, password))
    typer.echo("The password is set. All sessions of the account have ended.", err=True)


def _read_password() -> str:
    if not is_terminal():
        return read_line()
    password = getpass.getpass("Password: ", stream=sys.stderr)
    if getpass.getpass("Repeat the password: ", stream=sys.stderr) != password:
        raise Malformed("The two passwords are not the same. Run the command again.")
    return password
