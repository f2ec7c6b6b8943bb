"""Declarations of settings: the environment variable of a field, its default, and the kind of its value."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from app.errors import Misconfigured

ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
ADDRESS = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?(/[!-~]*)?", re.IGNORECASE)
HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:.]+")
URL_PATH = re.compile(r"(/[a-z0-9_~-][a-z0-9._~-]*)+", re.IGNORECASE)
TRUE, FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
OFF = "off"
PREFIX = "CLIENTELE_"
HIDDEN = "***"
LINK_PARTS = ("_SERVICE_HOST", "_SERVICE_PORT", "_TCP", "_UDP", "_SCTP")
NO_SUGGESTION = "Remove it; clientele config show lists the settings."
LINK_SCHEMES = ("tcp://", "udp://", "sctp://")
SHORTEST, LONGEST = 0.001, 3600.0
"""The range of durations, in seconds."""
FILE = "_FILE"
"""The end of the name of a variable that names the file with a secret setting."""
SOURCES = {"": "environment", FILE: "file"}
"""The sources of a setting, by the end of the variable that has it."""

V = TypeVar("V")
D = TypeVar("D")


class WrongValue(Exception):
    """A text that is not a value of its kind. `allowed` names the values of the kind; `wrong` is the part with the error."""

    def __init__(self, allowed: str, wrong: str) -> None:
        super().__init__(allowed)
        self.allowed, self.wrong = allowed, wrong


def setting(name: str, kind: Callable[[str], V], default: D, *, secret: bool = False) -> V | D:
    """Declares a field of a dataclass of settings: its variable, the kind of its value, and its default.

    A secret can also stand in a file, which the variable with `_FILE` behind its name names.
    """
    declared: V | D = field(default=default, metadata={"name": name, "kind": kind, "secret": secret})
    return declared


def read_settings(declarations: type, environment: Mapping[str, str]) -> dict[str, Any]:
    """Returns field -> value for the variables that are set. An empty variable counts as unset. Raises Misconfigured."""
    values = {}
    for declared in fields(declarations):
        name = declared.metadata["name"]
        text = _read_text(name, environment, secret=declared.metadata["secret"])
        if not text:
            continue
        try:
            values[declared.name] = declared.metadata["kind"](text)
        except WrongValue as error:
            raise Misconfigured(f"{name} must be {error.allowed}; got {error.wrong!r}", name) from error
    return values


def _read_text(name: str, environment: Mapping[str, str], *, secret: bool) -> str:
    text = environment.get(name, "").strip()
    file = environment.get(name + FILE, "").strip() if secret else ""
    if text and file:
        raise Misconfigured(f"{name} and {name}{FILE} are both set. Set only one of them.", name)
    return _read_secret(name + FILE, Path(file)) if file else text


def _read_secret(name: str, file: Path) -> str:
    """Returns the only line of the file. An empty file is an error, because it would count as an unset variable."""
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Misconfigured(
            f"{name} must name a readable text file; {str(file)!r} cannot be read: {reason}", name
        ) from error
    if len(text.splitlines()) != 1:
        raise Misconfigured(f"{name} must name a file with one line; {str(file)!r} has {len(text.splitlines())}", name)
    return text


def path(text: str) -> Path:
    """The kind of files and directories, relative to the current directory."""
    return Path(text).absolute()


def http_url(text: str) -> str:
    """The kind of HTTP URLs."""
    if not ADDRESS.fullmatch(text):
        raise WrongValue("a URL such as https://host.example/path", text)
    return text


def url_path(text: str) -> str:
    """The kind of paths in URLs. A slash at the end is removed."""
    path = text.removesuffix("/")
    if path and not URL_PATH.fullmatch(path):
        raise WrongValue("a path of letters, digits, - . _ and ~ such as /erp", text)
    return path


def whole(least: int, most: int) -> Callable[[str], int]:
    """Returns the kind of integers from `least` to `most`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
            raise WrongValue(f"an integer from {least} to {most}", text)
        return int(text)

    return read


def whole_or_off(most: int) -> Callable[[str], int]:
    """Returns the kind of limits that can be turned off: an integer up to `most`; 0 or `off` gives 0, which is no limit."""
    read_whole = whole(0, most)

    def read(text: str) -> int:
        try:
            return 0 if text.lower() == OFF else read_whole(text)
        except WrongValue as error:
            raise WrongValue(f"an integer from 0 to {most}, or {OFF}", text) from error

    return read


def seconds(text: str) -> float:
    """The kind of durations."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not SHORTEST <= value <= LONGEST:
        raise WrongValue(f"a number of seconds from {SHORTEST} to {LONGEST:.0f}", text)
    return value


def origins(text: str) -> tuple[str, ...]:
    """The kind of web origins, separated by commas, or `*`."""
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    for part in parts:
        if not ORIGIN.fullmatch(part) and parts != ("*",):
            raise WrongValue("origins such as https://app.example, or *", part)
    return parts


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """The kind of addresses and networks, separated by commas."""
    return tuple(_read_network(part.strip()) for part in text.split(",") if part.strip())


def _read_network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise WrongValue("addresses such as 10.0.0.1, or networks such as 10.0.0.0/8", text) from error


def hosts(text: str) -> tuple[str, ...]:
    """The kind of host names without ports, separated by commas."""
    parts = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for part in parts:
        if not HOST.fullmatch(part):
            raise WrongValue("host names such as app.example or *.app.example", part)
    return parts


def choice(*words: str) -> Callable[[str], str]:
    """Returns the kind of one of some words, in any case."""

    def read(text: str) -> str:
        if text.lower() not in words:
            raise WrongValue(f"{', '.join(words[:-1])} or {words[-1]}", text)
        return text.lower()

    return read


def truth(text: str) -> bool:
    """The kind of booleans."""
    if text.lower() not in TRUE | FALSE:
        raise WrongValue("true or false", text)
    return text.lower() in TRUE


def drop_links(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment without the addresses that Kubernetes gives a container for a service named `clientele`."""
    return {name: text for name, text in environment.items() if not _is_link(name, text)}


def _is_link(name: str, text: str) -> bool:
    in_link = any(f"{part}_" in f"{name}_" for part in LINK_PARTS)
    return name.startswith(PREFIX) and (text.startswith(LINK_SCHEMES) or in_link)


def check_names(names: Collection[str], environment: Mapping[str, str]) -> None:
    """Raises Misconfigured for a variable that begins as the settings do and is not one of `names`."""
    for name, text in environment.items():
        if name.upper().startswith(PREFIX) and name not in names and text.strip():
            endings = [known.removeprefix(PREFIX) for known in names if known.startswith(PREFIX)]
            similar = get_close_matches(name.upper().removeprefix(PREFIX), endings, n=1)
            advice = f"Did you mean {PREFIX}{similar[0]}?" if similar else NO_SUGGESTION
            raise Misconfigured(f"{name} is not a setting. {advice}", name)


def setting_names(declarations: type) -> set[str]:
    """The variables of a dataclass of settings, with those that name files."""
    declared = [field.metadata for field in fields(declarations)]
    return {data["name"] for data in declared} | {data["name"] + FILE for data in declared if data["secret"]}


@dataclass(frozen=True, slots=True)
class SettingValue:
    """The value of a setting as a text, None without a value, and its source: environment, file or default."""

    name: str
    value: str | None
    source: str


def describe_setting(name: str, value: object, environment: Mapping[str, str], *, secret: bool) -> SettingValue:
    """Describes a setting without its secrets."""
    text = write_value(value)
    source = next((source for end, source in SOURCES.items() if environment.get(name + end, "").strip()), "default")
    return SettingValue(name, hide_secret(text) if secret and text else text, source)


def write_value(value: object) -> str | None:
    """The value in the form in which a variable has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or None
    return None if value is None or value == "" else str(value)


def hide_secret(text: str) -> str:
    """Hides the passwords in a URL, and all of any other text."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return HIDDEN
    if not parts.scheme or "://" not in text:
        return HIDDEN
    user, at, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    query = [(key, HIDDEN if "pass" in key.lower() else value) for key, value in parse_qsl(parts.query)]
    shown = f"{name}:{HIDDEN}@{host}" if colon else f"{user}{at}{host}"
    return parts._replace(netloc=shown, query=urlencode(query, safe="*/:,"), fragment="").geturl()
