"""Large bodies are sent in parts, so that only a small part of a response waits in the buffer of its connection."""

from starlette.types import Message, Send

PART = 256 * 1024
"""Bytes. The server sends a part once the client has read the one before, up to the buffer of the socket."""


def is_large(message: Message) -> bool:
    """True for a message with more of a body than one part."""
    return len(message.get("body", b"")) > PART


async def send_in_parts(send: Send, message: Message) -> None:
    """Sends the body of a message in parts. It returns when the client has read nearly all of it."""
    body, more = message["body"], message.get("more_body", False)
    for start in range(0, len(body), PART):
        end = start + PART
        await send({**message, "body": body[start:end], "more_body": more or end < len(body)})
