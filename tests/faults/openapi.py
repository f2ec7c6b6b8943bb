"""Checks the OpenAPI documents of a service with the demo: by broken requests, two generators of clients, and schemathesis.

The clients go on a tour of both REST APIs: create, read, list with a filter, change, delete, and errors. schemathesis sends
the same requests in each run. It fails for a 5xx response, for a status, a media type or a header that is not documented,
and for a response that violates its schema. The tools are installed from the lock files of tests/conformance.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.faults.demo_service import ROOT, install_packages, install_programs, serve_demo

TESTS = ROOT / "tests" / "conformance"
OWN = TESTS / "openapi"
APIS = ("v1", "customers")
EXAMPLES = {"v1": 5, "customers": 10}
"""The number of random requests for each operation, beside those that cover the limits of its schemas."""
LEAST_REQUESTS = 2000
MOST_SECONDS = 300
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
DEADLY = ("deleteAccount", "deleteOrganization", "logout", "changePassword", "deleteAccessToken")
"""The operations that take the token or the data of the other requests away."""
TWINS = (
    "replaceClientByPost",
    "searchClientsByOldPath",
    "putOrganization",
    "updateOrganizationOfAccount",
    "replaceWebhookByPost",
)
"""The operations that do the same as others by another path."""

Environment = Mapping[str, str]


def run(command: list[str | Path], folder: Path, environment: Environment) -> str:
    """Runs a program and shows its output. Raises AssertionError when it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout[-20_000:]}"
    return done.stdout


def fetch_documents(folder: Path, environment: Environment) -> None:
    """Writes the documents of the service into files."""
    for api in APIS:
        answer = httpx.get(f"{environment['CLIENTELE_URL']}/openapi/{api}.json", trust_env=False)
        (folder / f"{api}.json").write_bytes(answer.raise_for_status().content)


def tour_typescript(folder: Path, environment: Environment) -> str:
    """openapi-typescript makes types, tsc checks the tour against them, and node runs it."""
    for name in ("package.json", "package-lock.json", ".npmrc", "tsconfig.json", "tour.ts"):
        shutil.copy(OWN / name, folder)
    install_packages(folder)
    programs = folder / "node_modules" / ".bin"
    for api in APIS:
        run([programs / "openapi-typescript", f"{api}.json", "--output", f"{api}.d.ts"], folder, environment)
    run([programs / "tsc"], folder, environment)
    return run(["node", "built/tour.js"], folder, environment)


def tour_python(folder: Path, environment: Environment) -> str:
    """openapi-python-client makes a package of each document without a warning, and the tours use them."""
    programs = install_programs(folder / "venv", OWN / "requirements.lock")
    own = {**environment, "PATH": f"{programs}:{environment['PATH']}"}
    output = ""
    for api in APIS:
        generate: list[str | Path] = [programs / "openapi-python-client", "generate", "--fail-on-warning"]
        run([*generate, "--path", f"{api}.json", "--output-path", f"python_{api}"], folder, own)
        package = {"PYTHONPATH": str(folder / f"python_{api}")}
        output += run([programs / "python", OWN / f"tour_{api}.py"], folder, {**own, **package})
    return output


def fuzz(folder: Path, environment: Environment) -> str:
    """schemathesis sends requests to every operation."""
    programs = install_programs(folder / "schemathesis", TESTS / "requirements.lock")
    with ThreadPoolExecutor() as pool:
        sent = list(pool.map(lambda api: fuzz_api(programs, api, folder, environment), APIS))
    assert sum(sent) >= LEAST_REQUESTS, f"schemathesis sent only {sent} requests"
    return f"schemathesis: {sum(sent)} requests without a fault"


def fuzz_api(programs: Path, api: str, folder: Path, environment: Environment) -> int:
    """Returns the number of requests. Raises AssertionError for an operation that never succeeded."""
    counts = folder / f"{api}-answers.json"
    own = {"SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": str(TESTS), "OPENAPI_ANSWERS": str(counts)}
    run(fuzz_command(programs, api, environment), folder, {**environment, **own})
    answers = json.loads(counts.read_text())
    failing = {answer.split()[0] for answer in answers} - {answer.split()[0] for answer in answers if " 2" in answer}
    assert not failing, f"no request to {failing} succeeded"
    return sum(answers.values())


def fuzz_command(programs: Path, api: str, environment: Environment) -> list[str | Path]:
    excluded = (
        [option for name in (*DEADLY, *TWINS) for option in ("--exclude-operation-id", name)] if api == "v1" else []
    )
    return [
        programs / "schemathesis", "run", f"{environment['CLIENTELE_URL']}/openapi/{api}.json", "--no-color",
        "--header", f"Authorization: Bearer {environment['CLIENTELE_TOKEN']}",
        "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--generation-deterministic",
        "--max-examples", str(EXAMPLES[api]), "--continue-on-failure",
        "--suppress-health-check", "all", *excluded,
    ]  # fmt: skip


HOST = "Host: localhost\r\n"
MANY, LARGE = "A: b\r\n" * 100, f"Long: {'x' * 8_000}\r\n" * 5
BROKEN: Mapping[str, int] = {
    "nonsense\r\n\r\n": 400,
    f"GET /customers HTTP/1.1\r\n{HOST}{HOST}\r\n": 400,
    f"GET /customers?search={'x' * 16_384} HTTP/1.1\r\n{HOST}\r\n": 414,
    "GET /customers HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n": 421,
    f"GET /customers HTTP/1.1\r\n{HOST}X-Long: {'x' * 8_192}\r\n\r\n": 431,
    f"GET /customers HTTP/1.1\r\n{HOST}{MANY}\r\n": 431,
    f"GET /customers HTTP/1.1\r\n{HOST}{LARGE}\r\n": 431,
}
"""Requests that the server itself rejects, and the statuses of its answers in plain text."""


def break_requests(folder: Path, environment: Environment) -> str:
    """Sends broken requests. Each answer is an example of the document."""
    document = json.loads((folder / "customers.json").read_text())
    responses = document["paths"]["/customers"]["get"]["responses"]
    for request, status in BROKEN.items():
        answer = send_raw(environment["CLIENTELE_URL"], request)
        head, _, text = answer.partition("\r\n\r\n")
        part = responses[str(status)]
        part = document["components"]["responses"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        examples = [example["value"] for example in part["content"]["text/plain"]["examples"].values()]
        assert head.split()[1] == str(status), answer
        assert text in examples, (text, examples)
    return f"{len(BROKEN)} broken requests are answered in plain text as documented"


def send_raw(url: str, request: str) -> str:
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 80), timeout=30) as opened:
        opened.sendall(request.encode())
        opened.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: opened.recv(65_536), b"")).decode()


STEPS: Mapping[str, Callable[[Path, Environment], str]] = {
    "broken": break_requests,
    "typescript": tour_typescript,
    "python": tour_python,
    "schemathesis": fuzz,
}


def main() -> None:
    """Runs the steps that the arguments name, or all."""
    os.environ.pop("PYTHONPATH", None)
    with tempfile.TemporaryDirectory(prefix="clientele-openapi-") as name, serve_demo() as environment:
        folder = Path(name)
        fetch_documents(folder, environment)
        for step in sys.argv[1:] or STEPS:
            began = time.monotonic()
            print(STEPS[step](folder, environment).strip(), f"({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
