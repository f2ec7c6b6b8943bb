"""Documents with a public spelling: from the names and words of an API to the stored ones, and back in paths of errors."""

from app.query.face import Codec, Face, Field


def store_documents(codec: Codec, value: object) -> object:
    """A document, or a list of them, with the stored keys and words. Other values, keys and words stay as they are."""
    if codec.document is None:
        return value
    if isinstance(value, list):
        return [_store_document(codec.document, member) for member in value]
    return _store_document(codec.document, value)


def _store_document(document: Face, value: object) -> object:
    if not isinstance(value, dict):
        return value
    return dict(_store_member(document.fields.get(name), name, member) for name, member in value.items())


def _store_member(field: Field | None, name: str, value: object) -> tuple[str, object]:
    if field is None:
        return name, value
    return field.column, dict(field.codec.words).get(value, value) if isinstance(value, str) else value


def show_path(codec: Codec, path: tuple[str, ...]) -> tuple[str, ...]:
    """The path of a member inside a stored value, with the public names of a document."""
    if codec.document is None:
        return path
    return tuple(codec.document.columns[key].name if key in codec.document.columns else key for key in path)
