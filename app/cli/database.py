"""`database show` and `database remove`: the embedded database on the disk."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.input import confirm
from app.cli.output import Json, print_record, report
from app.config import Config
from app.errors import Misconfigured, NotFound


def database_show(json: Json = False) -> None:
    """Show where the data is: the folder and the log of the embedded database, or DATABASE_URL without its password."""
    config = Config.from_environment()
    if not config.embedded:
        address = next(setting.value for setting in Config.describe() if setting.name == "DATABASE_URL")
        return print_record({"embedded": False, "address": address}, json)
    from app.postgres.folders import find_home

    home = find_home(config.data_dir)
    members = {
        "embedded": True,
        "data directory": str(config.data_dir),
        "folder": str(home / "postgres"),
        "log": str(home / "postgres.log"),
        "exists": (home / "postgres").exists(),
    }
    return print_record(members, json)


def database_remove(
    yes: Annotated[bool, typer.Option("--yes", help="Remove the database without a question.")] = False,
    json: Json = False,
) -> None:
    """Remove the embedded database permanently, with all accounts, organizations and clients."""
    config = require_embedded("clientele database remove")
    from app.demo import forget_demo
    from app.postgres.embedded import remove_embedded
    from app.postgres.folders import find_home

    home = find_home(config.data_dir)
    if not (home / "postgres").exists():
        raise NotFound(
            f"There is no embedded database in {config.data_dir}. Set CLIENTELE_DATA_DIR to its data directory."
        )
    confirm("remove", f"Remove the database in {home} permanently, with all data?", yes=yes)
    remove_embedded(config.data_dir)
    forget_demo(config.data_dir)
    report(f"The database in {home} is removed.", json, removed=str(home))


def require_database(data_dir: Path) -> None:
    """Raises NotFound if the data directory has no embedded database."""
    from app.postgres.folders import find_home

    if not (find_home(data_dir) / "postgres").exists():
        raise NotFound(f"There is no embedded database in {data_dir}. Set CLIENTELE_DATA_DIR to its data directory.")


def require_embedded(command: str) -> Config:
    """The settings. Raises Misconfigured for a command that is for the embedded database only."""
    config = Config.from_environment()
    if not config.embedded:
        raise Misconfigured(
            f"{command} is for the embedded database, but DATABASE_URL is set. Unset it, or use the programs of your "
            "PostgreSQL: docs/operating.md describes them.",
            "DATABASE_URL",
        )
    return config
