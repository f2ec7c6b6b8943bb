"""Mail files: FileMailer writes each mail into an .eml file, which mail programs can open. MailFiles deletes files."""

import asyncio
import logging
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from time import time

from app.mail.mailer import OutgoingMail, Undelivered

log = logging.getLogger(__name__)


class MailFiles:
    """The mail files in a folder, each named by the time of its mail (UTC) and its outbox id.

    An error while deleting is logged and not raised: the retention worker looks again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def ids(self) -> set[str]:
        """The outbox ids of all files."""
        return await asyncio.to_thread(lambda: {id_ for id_, _ in self._list()})

    async def remove(self, ids: Collection[str]) -> int:
        """Deletes the files of messages, incomplete ones too. Gives their number."""
        return await asyncio.to_thread(self._remove, frozenset(ids)) if ids else 0

    async def remove_older(self, seconds: float) -> int:
        """Deletes the files that were written longer ago. Gives their number."""
        return await asyncio.to_thread(self._remove_older, time() - seconds)

    def _list(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    name, _, kind = entry.name.partition(".")
                    if kind == "eml" or kind.endswith(".part"):
                        yield name.rpartition("-")[2], entry
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            log.warning("The mail files cannot be listed: %s", error.strerror)

    def _remove(self, ids: frozenset[str]) -> int:
        return sum(_unlink(entry) for id_, entry in self._list() if id_ in ids)

    def _remove_older(self, moment: float) -> int:
        return sum(_unlink(entry) for _, entry in self._list() if _is_older(entry, moment))


NO_FILES = MailFiles(Path(os.devnull))


def _is_older(entry: "os.DirEntry[str]", moment: float) -> bool:
    try:
        return entry.stat().st_mtime < moment
    except FileNotFoundError:
        return False


def _unlink(entry: "os.DirEntry[str]") -> bool:
    try:
        Path(entry.path).unlink(missing_ok=True)
    except OSError as error:
        log.warning("A mail file could not be deleted: %s", error.strerror)
        return False
    return True


class FileMailer:
    """Writes mails into `folder`. It creates the folder so that only its owner can read it.

    The name of a file is the time of the mail (UTC) and its outbox id, so names sort by time and another attempt
    replaces the same file. Files are replaced atomically, so a file is never incomplete.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def send(self, mail: OutgoingMail) -> None:
        try:
            await asyncio.to_thread(self._write, mail)
        except OSError as error:
            raise Undelivered(f"cannot write the mail file: {error.strerror}") from error

    def _write(self, mail: OutgoingMail) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        moment = f"{mail.created_at:%Y-%m-%dT%H-%M-%S}-{mail.created_at.microsecond // 1000:03d}Z"
        final = self.folder / f"{moment}-{mail.id}.eml"
        partial = final.with_suffix(f".{os.getpid()}.part")
        try:
            with open(partial, "xb", opener=_open_private) as file:
                file.write(mail.content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(final)
        finally:
            partial.unlink(missing_ok=True)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
