"""`config show`: the settings that apply."""

from app.cli.output import Json, Rows
from app.config import Config


def config_show(json: Json = False) -> None:
    """List every setting with its value and its source: the environment, a file, or the default. Secrets are hidden."""
    with Rows(("setting", "value", "source"), as_json=json) as rows:
        for setting in Config.describe():
            rows.add((setting.name, setting.value or "", setting.source), setting)
