"""All kinds of attacks, with their weights."""

from collections.abc import Callable, Mapping
from random import Random

from tests.faults.hostile.graphql import graphql, stream
from tests.faults.hostile.raw import raw
from tests.faults.hostile.rest import customers, v1
from tests.faults.hostile.scene import Attack, Scene
from tests.faults.hostile.sockets import socket

KINDS: Mapping[Callable[[Random, Scene], Attack], int] = {
    v1: 34,
    customers: 18,
    graphql: 24,
    stream: 3,
    raw: 14,
    socket: 7,
}


def make_attack(seed: int, number: int, scene: Scene) -> Attack:
    """The attack with a number: the same one in every run with the same seed, apart from ids and tokens."""
    random = Random(f"{seed}-{number}")
    (make,) = random.choices(list(KINDS), weights=list(KINDS.values()))
    return make(random, scene)
