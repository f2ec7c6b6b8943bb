"""FileMailer: writes each mail into an .eml file, which mail programs can open."""

import asyncio
import os
from pathlib import Path

from app.mail.mailer import OutgoingMail, Undelivered


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
