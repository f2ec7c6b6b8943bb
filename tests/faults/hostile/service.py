"""The real service that is attacked: its process, its tenants, and its memory."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx

from app.accounts.service import create_account
from app.auth import Scope
from app.organizations.service import create_organization, create_token
from app.storage.database import Database
from app.storage.migrations import migrate
from tests.faults.hostile.scene import Scene, Tenant

ROOT = Path(__file__).resolve().parents[3]
RATES = ("TOKEN_REQUESTS", "TOKEN_WRITES", "TOKEN_BYTES", "ACCOUNT_REQUESTS", "ACCOUNT_WRITES", "ACCOUNT_BYTES",
"SOURCE_REQUESTS",
         "LOGINS", "EMAIL_LOGINS", "SOURCE_LOGINS", "SIGN_UPS", "SOURCE_SIGN_UPS")  # fmt: skip
UNLIMITED = {f"CLIENTELE_{name}": "off" for name in RATES} | {
    "CLIENTELE_SIGN_UP": "true",
    "CLIENTELE_PATTERN_TIMEOUT": "0.3",
    "CLIENTELE_PASSWORD_MEMORY": "16",
}
"""Settings with which every request is really handled, and no answer may take a second."""
SPARE_TENANTS = 12
CLIENTS = 120
TICKS = os.sysconf("SC_CLK_TCK")


async def make_tenant(database: Database, name: str) -> Tenant:
    email = f"{name}@example.com"
    account = await create_account(database, email)
    organization = await create_organization(database, name.title(), account_email=email, email=email)
    token, read_token = [
        await create_token(database, account_email=email, scope=scope) for scope in (Scope.WRITE, Scope.READ)
    ]
    return Tenant(account, email, organization, token, read_token)


async def make_scene(url: str) -> Scene:
    """The tenants, without clients yet."""
    database = Database(url)
    try:
        await migrate(database)
        names = ["loud", "quiet", *(f"spare{number}" for number in range(SPARE_TENANTS))]
        loud, quiet, *spare = [await make_tenant(database, name) for name in names]
    finally:
        await database.close()
    return Scene(loud, quiet, tuple(spare))


class Service:
    """A process of `clientele serve` on a free port of this machine."""

    def __init__(self, url: str, folder: Path, settings: Mapping[str, str]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CLIENTELE_")}
        environment |= {"DATABASE_URL": url, "CLIENTELE_DATA_DIR": str(folder), **settings}
        self.log_file = folder / "log"
        self.log_position = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("a") as log:
            serving = [sys.executable, "-m", "app", "serve", "--port", "0"]
            self.process = subprocess.Popen(
                serving, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.port = self._read_port()

    def _read_port(self) -> int:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            name, _, value = line.strip().partition(" ")
            if name == "GraphiQL":
                return urlsplit(value.strip()).port or 0
        raise AssertionError(f"the service did not start: {self.log()}")

    def log(self) -> str:
        with self.log_file.open("rb") as file:
            file.seek(self.log_position)
            return file.read().decode("utf-8", "replace")

    def memory(self) -> float:
        """The resident memory in MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cpu(self) -> float:
        """The seconds of CPU that the process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def serving(url: str, folder: Path, settings: Mapping[str, str]) -> Iterator[Service]:
    service = Service(url, folder, settings)
    try:
        yield service
    finally:
        service.stop()


async def fill_scene(scene: Scene, port: int) -> Scene:
    """The scene with clients and real cursors."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as http:
        loud = await add_clients(http, scene.loud, CLIENTS)
        quiet = await add_clients(http, scene.quiet, 1)
        http.headers = {"Authorization": f"Bearer {loud.token}"}
        orders = ("name", "-created_at", "is_tax_subject,name", "contact_type", "id", "-email,-city")
        lists = [f"limit=2&order_by={order}" for order in orders]
        customers = [(q, (await http.get(f"/customers?{q}")).json()["pagination"]["next_cursor"]) for q in lists]
        query = "{ clients(first: 2) { pageInfo { endCursor } } viewer { __typename } }"
        answer = (await http.post("/graphql", json={"query": query})).json()
        end = answer["data"]["clients"]["pageInfo"]["endCursor"]
    return Scene(loud, quiet, scene.spare, {"customers": tuple(customers), "graphql": (("", end),)})


async def add_clients(http: httpx.AsyncClient, tenant: Tenant, count: int) -> Tenant:
    rows = [
        {"name": f"Client {n}", "email": f"c{n}@example.com", "taxSubject": n % 2 == 0, "custom": {"a": {"b": n}}}
        for n in range(count)
    ]  # fmt: skip
    path = f"/v1/organizations/{tenant.organization}/clients"
    answer = await http.post(path, json=rows, headers={"Authorization": f"Bearer {tenant.token}"})
    ids = tuple(row["id"] for row in answer.raise_for_status().json())
    return Tenant(tenant.account, tenant.email, tenant.organization, tenant.token, tenant.read_token, ids)


async def empty_history(url: str) -> None:
    """Lets the embedded PostgreSQL forget what an earlier pass has written."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
