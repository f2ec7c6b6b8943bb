"""Hostile WebSockets: frames that break the protocol, and messages of graphql-transport-ws that do."""

import json
import struct
from random import Random

from tests.faults.hostile import graphql
from tests.faults.hostile.scene import Attack, Scene
from tests.faults.hostile.words import PLACE, damage, text, value, write_json

TYPES = ("connection_init", "ping", "pong", "subscribe", "complete", "next", "error", "start", "", "connection_ack")
MASK = b"\x00\x00\x00\x00"


def socket(random: Random, scene: Scene) -> Attack:
    """A WebSocket with some messages, which mostly begins as the protocol wants it."""
    protocol = random.choice(["graphql-transport-ws"] * 15 + ["graphql-ws", "", "a, graphql-transport-ws", "\x7f"])
    lines = [
        "GET /graphql HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    lines += [f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []
    lines += random.choice(
        [
            [],
            [],
            ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"],
            ['Sec-WebSocket-Extensions: x; y="z'],
        ]
    )
    init = random.choice(
        [{"type": "connection_init", "payload": {"Authorization": f"Bearer {scene.loud.token}"}}] * 8
        + [{"type": "connection_init"}, hostile_init(random, scene)]
    )
    frames = [frame(json.dumps(init).encode()), *(message(random, scene) for _ in range(random.choice([1, 3, 6, 12])))]
    return Attack(
        "WebSocket", "\r\n".join([*lines, "", ""]).encode(), whole=False, frames=tuple(frames[random.random() < 0.05 :])
    )


def hostile_init(random: Random, scene: Scene) -> object:
    payload = random.choice(
        [
            value(random),
            {"headers": value(random)},
            {"token": text(random)},
            {"Authorization": f"Bearer {scene.loud.token}x"},
        ]
    )
    return {"type": "connection_init", "payload": payload if payload != PLACE else None}


def message(random: Random, scene: Scene) -> bytes:
    """A frame: mostly a message that is well-formed, with a hostile operation."""
    choice = random.random()
    if choice < 0.55:
        operation = {
            "id": random.choice(["1", "2", "3"]),
            "type": "subscribe",
            "payload": graphql.make_payload(random, scene),
        }
        return frame(write_json(random, operation))
    if choice < 0.7:
        return frame(
            write_json(random, {"type": random.choice(["ping", "pong"]), "payload": {text(random): value(random)}})
        )
    if choice < 0.8:
        return frame(write_json(random, {"type": "complete", "id": random.choice(["1", "2", text(random)])}))
    if choice < 0.88:
        return frame(
            write_json(random, {"type": random.choice(TYPES), "id": value(random, 1), "payload": value(random)})
        )
    return odd_frame(random)


def odd_frame(random: Random) -> bytes:
    data = text(random).encode("utf-8", "surrogatepass")[:100]
    return random.choice([
        frame(data, opcode=2), frame(data, opcode=3), frame(data, opcode=11), frame(data, opcode=9), frame(data, opcode=10),
        frame(data, opcode=0),
        frame(b"\x03\xe8" + data, opcode=8), frame(b"\x00", opcode=8), frame(b"\xff\xff", opcode=8), frame(b"x" * 126,
        opcode=9), frame(data, first=0xC1), frame(data, first=0xF1),
        frame(b"\xff\xfe"), frame(b""), frame(b"x" * 5000), frame(b'{"type":"ping"}', first=1), b"\x81\x05hello",
        b"\x81\xff" + b"\xff" * 8 + MASK, b"\x81\xfe", random.randbytes(30),
        damage(random, frame(b'{"type":"ping"}')), frame(b'{"type":', first=1) + frame(b'"ping"}', opcode=0), frame(b"",
        first=1) * 1200,
    ])  # fmt: skip


def frame(data: bytes, *, opcode: int = 1, first: int | None = None) -> bytes:
    """A frame of a client, with a mask of zeros."""
    size = len(data)
    length = (
        bytes([0x80 | size])
        if size < 126
        else b"\xfe" + struct.pack(">H", size)
        if size < 65536
        else b"\xff" + struct.pack(">Q", size)
    )
    return bytes([0x80 | opcode if first is None else first]) + length + MASK + data
