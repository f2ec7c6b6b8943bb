"""The disk of PostgreSQL is full for some seconds. Writes get 503, reads go on, and nothing acknowledged is lost.

The disk is a small file system in memory. A user who may not mount one gets it in a namespace, in which this module runs
as a program: `full_disk FOLDER`.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.postgres.embedded import embedded_postgres, find_cluster, remove_embedded
from tests.faults.processes import Postgres, Service, await_true, make_tenant, serving
from tests.faults.promises.writes import UNLIMITED, Writers, check_writes

WRITES, FULL = 1200, 2.0
SIZE = "200m"
LIMIT = 30.0
"""Seconds until a write fails on a full disk, and until a write is acknowledged when there is space again."""
MOUNT = ("mount", "-t", "tmpfs")
IN_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
MOUNT_AND_RUN = f'{" ".join(MOUNT)} -o "$0" clientele-faults "$1" && shift && exec "$@"'


def mount_options(folder: Path) -> str:
    return f"size={SIZE},mode={folder.stat().st_mode & 0o7777:o}"


def command_in_namespace(folder: Path, command: Sequence[str]) -> list[str]:
    """Runs a command, as the same user, with a file system of SIZE over a folder that no other process sees."""
    user = ("unshare", "--user", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}")
    return [*IN_NAMESPACE, MOUNT_AND_RUN, mount_options(folder), str(folder), *user, *command]


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mounts a file system of SIZE in memory over a folder. It needs the right to mount."""
    subprocess.run([*MOUNT, "-o", mount_options(folder), "clientele-faults", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def can_mount(folder: Path) -> bool:
    probe = folder / "probe"
    probe.mkdir()
    try:
        with small_disk(probe):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        probe.rmdir()


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Leaves no space on the file system of a folder."""
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1_000_000))
            except OSError:
                pass
        yield
    finally:
        filler.unlink()


async def read_statuses(service: Service, token: str) -> set[int]:
    """The statuses of reads during FULL seconds."""
    statuses, ends = set(), time.monotonic() + FULL
    async with service.open(token) as http:
        while time.monotonic() < ends:
            statuses.add((await http.get("/customers?limit=5")).status_code)
            await asyncio.sleep(0.05)
    return statuses


async def fill_and_free(server: Postgres, service: Service, writers: Writers) -> tuple[set[int], float]:
    """Fills the disk. Returns the statuses of reads meanwhile, and the seconds from free space to full service."""
    await writers.reach(WRITES // 3)
    with filled(server.cluster.directory.home):
        await await_true(lambda: writers.unavailable["503"] > 0, LIMIT)
        statuses = await read_statuses(service, writers.tenant.token)
    began, before = time.monotonic(), writers.acknowledged
    await asyncio.to_thread(server.start_again)
    await service.expect(200, seconds=LIMIT)
    async with asyncio.timeout(LIMIT):
        await writers.reach(before + 1)
    return statuses, time.monotonic() - began


async def check_small_disk(folder: Path) -> str:
    """Runs the check with a PostgreSQL whose files are on a small disk already."""
    with embedded_postgres(folder / "server") as url:
        server = Postgres(folder / "server", url)
        tenant = await make_tenant(await server.make_database())
        async with serving(folder, DATABASE_URL=tenant.url, **UNLIMITED) as service:
            await service.expect(200)
            writers = Writers(tenant, [service], WRITES)
            async with asyncio.TaskGroup() as group:
                filling = group.create_task(fill_and_free(server, service, writers))
                group.create_task(writers.run())
            statuses, seconds = filling.result()
            await check_writes(writers, service)
            assert statuses <= {200, 503}, statuses
            assert set(writers.unavailable) == {"503"}, writers.unavailable
            assert "Traceback" not in service.read_log(), service.read_log()
    return (
        f"{writers.acknowledged} writes acknowledged and {writers.unavailable['503']} answered with 503, reads with "
        f"{sorted(statuses)}; full service {seconds:.1f} s after there was space"
    )


def can_make_namespace(home: Path) -> bool:
    return subprocess.run(command_in_namespace(home, ["true"]), capture_output=True).returncode == 0


async def check_in_namespace(folder: Path, home: Path) -> str:
    """Runs the check in a namespace, if the user may make one. Root cannot: its PostgreSQL needs another user."""
    if os.getuid() == 0 or not await asyncio.to_thread(can_make_namespace, home):
        return "NOT CHECKED: this user may not mount a small disk"
    command = (sys.executable, "-m", __spec__.name, str(folder))
    checking = await asyncio.create_subprocess_exec(
        *command_in_namespace(home, command), stdout=asyncio.subprocess.PIPE
    )
    try:
        printed, _ = await checking.communicate()
    finally:
        if checking.returncode is None:
            checking.terminate()
    assert checking.returncode == 0, checking.returncode
    return printed.decode().strip()


async def check_full_disk(_: Postgres, folder: Path) -> str:
    home = find_cluster(folder / "server").directory.home
    try:
        if not can_mount(folder):
            return await check_in_namespace(folder, home)
        with small_disk(home):
            return await check_small_disk(folder)
    finally:
        remove_embedded(folder / "server")


if __name__ == "__main__":
    print(asyncio.run(check_small_disk(Path(sys.argv[1]))))
