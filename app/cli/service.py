"""The service behind `serve`: its database is prepared, its start is printed, and it serves until a signal stops it."""

import asyncio
from dataclasses import replace

from app.cli.checks import check_database, check_notices, check_settings
from app.cli.output import say
from app.cli.running import database_address
from app.config import Config
from app.demo import Demonstration, prepare_demo
from app.server import base_address, describe, is_loopback, open_socket, serve
from app.storage.database import Database
from app.storage.migrations import migrate


def run_service(config: Config, *, migrate_first: bool) -> None:
    """Raises Misconfigured for settings and databases with which the service can never work."""
    check_settings(config)
    with open_socket(config.host, config.port) as opened, database_address(config, keep_running=True) as url:
        demo = asyncio.run(_prepare(config, url, migrate_first))
        say(describe(config, base_address(opened) + config.root_path, demo))
        if demo and is_loopback(opened):
            config = replace(config, demo_token=demo.token, sign_up=config.sign_up is not False)
        serve(replace(config, database_url=url), opened)


async def _prepare(config: Config, url: str, migrate_first: bool) -> Demonstration | None:
    database, embedded = Database(url, pool_size=2), config.embedded
    try:
        if embedded or migrate_first:
            await migrate(database)
        demo = await prepare_demo(database, config.data_dir) if embedded else None
    finally:
        await database.close()
    served = replace(config, database_url=url)
    if embedded or await check_database(served):
        await check_notices(served)
    return demo
