"""`account create` and `password`: who may use which organizations."""

import getpass
import sys
from typing import Annotated

import typer

from app.accounts import service as accounts
from app.accounts.passwords import Passwords
from app.accounts.record import check_password
from app.cli.running import with_database
from app.config import Config
from app.errors import Malformed
from app.mail.addresses import check_address
from app.server import say


def account_create(email: Annotated[str, typer.Argument(help="The e-mail address to log in with.")]) -> None:
    """Make an account; prints its id."""
    address = check_address(email)
    say(with_database(lambda database: accounts.create_account(database, address)))


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
