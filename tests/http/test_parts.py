"""A large body is sent in parts, and each part waits for the client."""

from starlette.types import Message

from app.http.parts import PART, is_large, send_in_parts


async def sent_parts(message: Message) -> list[Message]:
    parts: list[Message] = []

    async def send(part: Message) -> None:
        parts.append(part)

    await send_in_parts(send, message)
    return parts


async def test_the_parts_make_the_body() -> None:
    for size in (PART + 1, 2 * PART, 5 * PART + 7):
        body = bytes(index % 251 for index in range(size))
        parts = await sent_parts({"type": "http.response.body", "body": body})
        assert b"".join(part["body"] for part in parts) == body
        assert [part["more_body"] for part in parts] == [True] * (len(parts) - 1) + [False]
        assert max(len(part["body"]) for part in parts) <= PART
        assert all(part["type"] == "http.response.body" for part in parts)


async def test_a_part_of_a_longer_body_is_not_its_end() -> None:
    parts = await sent_parts({"type": "http.response.body", "body": b"x" * (2 * PART), "more_body": True})
    assert [part["more_body"] for part in parts] == [True, True]


def test_only_large_messages_are_divided() -> None:
    assert not is_large({"type": "http.response.start", "status": 200, "headers": []})
    assert not is_large({"type": "http.response.body", "body": b"x" * PART})
    assert is_large({"type": "http.response.body", "body": b"x" * (PART + 1)})
