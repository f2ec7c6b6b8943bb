"""Global ids: the base64 of a type's name and a bare id. Arguments also take the face's own id."""

from base64 import b64decode, b64encode

from app.ids import is_id

PREFIXES = {"Client": "", "Customer": "cust_", "Organization": "", "Account": ""}


def write_global_id(noun: str, bare: str) -> str:
    return b64encode(f"{noun}:{bare}".encode()).decode()


def split_global_id(text: str) -> tuple[str, str] | None:
    """(type, bare id), or None for what is no global id."""
    try:
        noun, _, bare = b64decode(text, validate=True).decode("ascii").partition(":")
    except ValueError:
        return None
    return (noun, bare) if noun in PREFIXES and is_id(bare) else None


def read_id(noun: str, text: str) -> str:
    """The bare id in a global id of `noun` or in the face's own id; "" for anything else, which is the id of nothing."""
    found = split_global_id(text)
    if found is not None:
        return found[1] if found[0] == noun else ""
    bare = text.removeprefix(PREFIXES[noun]) if text.startswith(PREFIXES[noun]) else ""
    return bare if is_id(bare) else ""


def read_organization_id(text: str) -> str:
    """The bare id of an organization, also when it is spelled as an entity (`ent_…`)."""
    return read_id("Organization", text.removeprefix("ent_"))
