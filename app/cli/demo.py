"""`demo remove`: deletes the demo."""

from typing import Annotated

import typer

from app.cli.input import confirm
from app.cli.output import Json, report
from app.cli.running import with_database
from app.config import Config


def demo_remove(
    yes: Annotated[bool, typer.Option("--yes", help="Remove the demo without a question.")] = False,
    json: Json = False,
) -> None:
    """Remove the demo permanently: its account, its organization with all clients, and its token. It does not come back."""
    from app.demo import remove_demo

    confirm("remove", "Remove the demo permanently, with every change that was made in it?", yes=yes)
    data_dir = Config.from_environment().data_dir
    with_database(lambda database: remove_demo(database, data_dir))
    report("The demo is removed.", json, removed=True)
