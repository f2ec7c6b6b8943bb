"""`backup` and `restore`: the embedded database as a file."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.database import require_database, require_embedded
from app.cli.output import Json, report
from app.cli.transfer import open_output
from app.errors import Malformed

MEGABYTE = 1_000_000


def backup_command(
    file: Annotated[Path, typer.Argument(help="The file to write. pg_restore can read it too.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    json: Json = False,
) -> None:
    """Write the whole embedded database into a file, in one snapshot. The service may run meanwhile."""
    config = require_embedded("clientele backup")
    from app.cli.running import database_address
    from app.postgres.archives import dump_database
    from app.postgres.embedded import find_cluster

    if os.path.exists(file) and not force:
        raise Malformed(f"{file} exists. Choose another file, or add --force to replace it.")
    require_database(config.data_dir)
    with database_address(config), open_output(file) as output, Meter("Backed up") as meter:

        def write(chunk: bytes) -> None:
            output.write(chunk)
            meter.add(len(chunk))

        dump_database(find_cluster(config.data_dir), write)
        output.sync()
    report(f"The backup is complete: {meter}.", json, file=str(file), bytes=meter.count)


def restore_command(
    file: Annotated[Path, typer.Argument(help="A file of `clientele backup`.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing database with all its data.")] = False,
    json: Json = False,
) -> None:
    """Create the embedded database from a backup. Stop the service first.

    An existing database is replaced only with --force, and only when the backup is restored completely. A backup of an
    older version is migrated.
    """
    config = require_embedded("clientele restore")
    from app.demo import forget_demo
    from app.postgres.archives import check_archive, restore_database
    from app.postgres.embedded import find_cluster, replacing_embedded
    from app.postgres.folders import find_home

    try:
        archive = file.open("rb")
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}") from error
    with archive:
        check_archive(find_cluster(config.data_dir), archive, str(file))
        home = find_home(config.data_dir)
        if (home / "postgres").exists() and not force:
            raise Malformed(f"There is a database in {home}. Add --force to replace it with all its data.")
        size = os.fstat(archive.fileno()).st_size
        hidden = not sys.stderr.isatty()
        with (
            replacing_embedded(config.data_dir) as cluster,
            typer.progressbar(length=size, label="Restoring", file=sys.stderr, hidden=hidden) as bar,
        ):
            restore_database(cluster, archive, lambda position: bar.update(position - bar.pos))
            asyncio.run(_migrate(cluster.url))
    forget_demo(config.data_dir)
    report("The database is restored. Start the service.", json, file=str(file), folder=str(home))


async def _migrate(url: str) -> None:
    """Raises Misconfigured for a database of a newer version."""
    from app.storage.database import Database
    from app.storage.migrations import migrate

    database = Database(url, pool_size=2)
    try:
        await migrate(database)
    finally:
        await database.close()


class Meter:
    """Counts bytes, and shows them on a terminal."""

    def __init__(self, label: str) -> None:
        self.label, self.count = label, 0
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> "Meter":
        return self

    def add(self, count: int) -> None:
        self.count += count
        if self._shown:
            typer.echo(f"\r{self.label}: {self}", err=True, nl=False)

    def __exit__(self, *_: object) -> None:
        if self._shown and self.count:
            typer.echo("", err=True)

    def __str__(self) -> str:
        return f"{self.count / MEGABYTE:.1f} MB"
