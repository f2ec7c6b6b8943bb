"""The commands of the README, pasted into a shell beside a running demo."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.test_cli import TIMEOUT, Served, serving

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS: list[str] = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PICTURE = ROOT / "docs" / "images" / "graphiql.png"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def block(part: str) -> str:
    """The only block of commands that contains a text."""
    (text,) = [text for text in BLOCKS if part in text]
    return text


@pytest.fixture(scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, Served]]:
    """A folder that looks like a checkout in which `scripts/serve` runs."""
    path = tmp_path_factory.mktemp("checkout")
    (path / ".venv").symlink_to(sys.prefix)
    async with serving(CLIENTELE_DATA_DIR=str(path / ".clientele")) as served:
        yield path, served


async def paste(folder: tuple[Path, Served], commands: str) -> str:
    """Runs commands with the address of the service in the place of the documented one. Returns their output."""
    path, served = folder
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CLIENTELE_", "DATABASE_"))
    }
    script = f"set -eu\n{commands}".replace("http://127.0.0.1:8000", served.address)
    pipe = asyncio.subprocess.PIPE
    shell = await asyncio.create_subprocess_exec(
        "bash", "-c", script, cwd=path, env=environment, stdout=pipe, stderr=pipe
    )
    out, err = await asyncio.wait_for(shell.communicate(), TIMEOUT)
    assert shell.returncode == 0, err.decode()
    return out.decode()


def read_documents(text: str) -> list[Any]:
    """The JSON documents that follow one another in a text."""
    documents, decoder = [], json.JSONDecoder()
    while text := text.strip():
        document, end = decoder.raw_decode(text)
        documents.append(document)
        text = text[end:]
    return documents


async def test_each_api_answers_the_request_in_the_readme(folder: tuple[Path, Served]) -> None:
    graphql, v1, customers = read_documents(await paste(folder, block("order_by=-created_at")))
    assert graphql["data"]["clients"]["totalCount"] > 3
    assert [len(graphql["data"]["clients"]["nodes"]), len(v1), len(customers["data"])] == [3, 3, 3]


async def test_the_reminder_in_the_readme_is_written_and_listed(folder: tuple[Path, Served]) -> None:
    variables = block("order_by=-created_at").split("\n\n")[0]
    out = await paste(folder, f"{variables}\n{block('send-reminder')}")
    assert "ada@ada.example" in out.splitlines()[-1]


async def test_the_account_in_the_readme_gets_a_token(folder: tuple[Path, Served]) -> None:
    out = await paste(folder, block("account create"))
    assert out.splitlines()[-1].startswith("sk_live_")


async def test_the_subscription_in_the_readme_reports_a_change(folder: tuple[Path, Served]) -> None:
    variables = block("order_by=-created_at").split("\n\n")[0]
    create = block("send-reminder").split("\n\n")[0]
    subscribe = block("subscription {").rstrip()
    out = await paste(
        folder,
        f"{variables}\n{subscribe} --max-time 60 > events & following=$!\n"
        f"until grep -q clientChanges events 2>/dev/null; do {create}\nsleep 0.2; done\nkill $following; cat events",
    )
    assert '"name":"Ada Ltd"' in out.replace('": "', '":"')


def test_the_picture_is_small_and_named() -> None:
    assert f"]({PICTURE.relative_to(ROOT)})" in README
    data = PICTURE.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert 10_000 < len(data) < 200_000
