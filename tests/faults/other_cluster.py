"""Runs a command with a PostgreSQL cluster that differs from the embedded one, and stops the cluster afterwards.

usage: other_cluster.py LOCALE COMMAND [ARGUMENT …]. The cluster uses a locale of the C library and listens on loopback
only. DATABASE_URL names a role that owns its database and is not a superuser.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from app.postgres.binaries import copy_binaries, find_binaries
from app.postgres.folders import make_shared_folder
from app.postgres.os_user import choose_os_user


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def main(locale: str, command: list[str]) -> int:
    os_user, binaries = choose_os_user(), find_binaries()
    if os_user.drop_privileges:
        binaries = copy_binaries(binaries, make_shared_folder())
    home = Path(tempfile.mkdtemp(prefix="clientele-other-"))
    os_user.own(home)
    data, password, port = home / "data", home / "password", free_port()
    secret = secrets.token_hex(16)
    password.write_text(secret)
    os_user.own(password)
    initialize = ["--locale-provider=libc", f"--locale={locale}", "-E", "UTF8", "-A", "scram-sha-256", "-U", "admin"]
    os_user.run([binaries.program("initdb"), *initialize, f"--pwfile={password}", "-D", data])
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    control: list[str | Path] = [binaries.program("pg_ctl"), "-D", data, "-w"]
    os_user.run([*control, "-l", home / "log", "-o", options, "start"])
    try:
        role = f"CREATE ROLE tester LOGIN CREATEDB PASSWORD '{secret}'"
        for statement in (role, "CREATE DATABASE tester OWNER tester"):
            arguments = f"-X -q -h 127.0.0.1 -p {port} -U admin -d postgres -c".split()
            os_user.run([binaries.program("psql"), *arguments, statement], variables={"PGPASSWORD": secret})
        url = f"postgresql://tester:{secret}@127.0.0.1:{port}/tester"
        return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode
    finally:
        os_user.run([*control, "-m", "immediate", "stop"])
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
