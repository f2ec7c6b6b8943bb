"""Import and export: each is one transaction. A failed import reports the problems of its records."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.clients.transfer.exporting import ExportOptions, open_form
from app.clients.transfer.importing import Counts, Importing, ImportOptions, ImportOutput
from app.clients.transfer.matching import is_own_key, prepare_key
from app.clients.transfer.problems import NotImported, RecordProblem, describe, find_firsts
from app.clients.transfer.repository import TransferRepository
from app.clients.transfer.sources import Source
from app.errors import KeyTaken, NotFound
from app.storage.connection import Connection
from app.storage.database import Database

TURN = 0.0002
"""Seconds that a thread keeps the interpreter while another one waits for it."""
NO_ORGANIZATION = "There is no organization with the id {}"


async def export_clients(
    database: Database,
    organization_id: str,
    write: Callable[[bytes], object],
    options: ExportOptions = ExportOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Passes clients of an organization, in one snapshot, to `write`. Gives their number.

    Raises NotFound if the organization does not exist, and Malformed for a field that the form does not have.
    """
    count, query = 0, options.query()
    async with database.snapshot() as connection:
        repository = TransferRepository(connection)
        if not await repository.account_organizations(organization_id):
            raise NotFound(NO_ORGANIZATION.format(organization_id))
        form = open_form(write, options, query.selection)
        form.begin()
        async for shown, hidden in repository.export(organization_id, query):
            form.add(shown, hidden)
            count += 1
        form.end()
    return count


async def import_clients(
    database: Database,
    organization_id: str,
    source: Source,
    options: ImportOptions = ImportOptions(),  # noqa: B008 - it is frozen
    output: ImportOutput = ImportOutput(),  # noqa: B008
) -> Counts:
    """Imports the records of a file into an organization: all of them or none, unless the options say otherwise.

    The numbers of a dry run are those of the same import. Raises NotFound if the organization does not exist, NotImported with
    the problems of the records, and for a key of the caller's own Conflict and Invalid.
    """
    if is_own_key(options.match) and not options.dry_run:
        async with database.write() as connection:
            await _require_organization(connection, organization_id)
            await prepare_key(connection, organization_id, options.match)
    try:
        return await _import_clients(database, organization_id, source, options, output)
    except _DryRun as done:
        return done.counts
    except KeyTaken as taken:
        raise _explain_taken_key(taken, organization_id, source) from taken


class _DryRun(Exception):
    """The end of a dry run, which rolls its transaction back."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self.counts = counts


async def _require_organization(connection: Connection, organization_id: str) -> list[str]:
    """The organization and the others of its accounts. Other imports into these wait until the transaction ends."""
    repository = TransferRepository(connection)
    await repository.lock_imports(organization_id)
    account_organizations = await repository.account_organizations(organization_id)
    if not account_organizations:
        raise NotFound(NO_ORGANIZATION.format(organization_id))
    return account_organizations


async def _import_clients(
    database: Database, organization_id: str, source: Source, options: ImportOptions, output: ImportOutput
) -> Counts:
    async with database.write() as connection:
        account_organizations = await _require_organization(connection, organization_id)
        repository = TransferRepository(connection)
        if is_own_key(options.match) and options.dry_run:
            await prepare_key(connection, organization_id, options.match)
        importing = Importing(repository, organization_id, account_organizations, source, options, output)
        importing.has_keys = await repository.has_keys(organization_id)
        await _write_all(importing)
        if importing.problems:
            raise NotImported(describe(importing.problems, organization_id, source))
        if options.dry_run:
            raise _DryRun(importing.counts)
        return importing.counts


async def _write_all(importing: Importing) -> None:
    """Writes the records of a file until there are too many problems.

    A thread reads a batch while the database writes the one before it. At the end, no thread uses the file any more.
    """
    with quick_turns():
        await _write_batches(importing)


@contextmanager
def quick_turns() -> Iterator[None]:
    """A block in which threads wait less for the interpreter. A batch is sent in parts, and the reading would delay each."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


async def _write_batches(importing: Importing) -> None:
    reader, file = importing.reader().read(), importing.source.file
    batch, position = next(reader, None), file.tell()
    while batch is not None and not importing.is_hopeless:
        reading = asyncio.create_task(asyncio.to_thread(next, reader, None))
        try:
            await importing.write(batch)
        finally:
            batch = await reading
        importing.output.advance(position, importing.counts)
        position = file.tell()


def _explain_taken_key(taken: KeyTaken, organization_id: str, source: Source) -> NotImported:
    """The error for a value of a key that another request has written since the record was checked."""
    entry = find_firsts(source, {taken.client_id}).get(taken.client_id)
    if entry is None:
        return NotImported(f"Nothing is imported:\n{taken.message}")
    return NotImported(describe([RecordProblem(entry, taken.message)], organization_id, source))
