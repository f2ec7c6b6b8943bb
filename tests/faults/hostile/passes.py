"""A pass: many attacks at a time, beside single reads of another tenant that show whether the service still runs."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.faults.hostile.attacks import make_attack
from tests.faults.hostile.checks import Findings, find_faults
from tests.faults.hostile.scene import Attack, Scene, write_request
from tests.faults.hostile.sender import Answer, Sender
from tests.faults.hostile.service import Service

CONNECTIONS = 16
LONGEST, QUICK = 1.0, 0.2
"""Seconds: an answer may take the first while probes take the second."""
BUSY = 0.9
"""The part of the time of a slow probe in which the service itself used the CPU, so that nothing else was to blame."""
PROBE_PAUSE = 0.02


@dataclass
class Probes:
    """Single reads of another tenant: when each began, its seconds, and the CPU that the service used meanwhile."""

    taken: list[tuple[float, float, float]] = field(default_factory=list)

    async def run(self, scene: Scene, service: Service, findings: Findings) -> None:
        path = f"/v1/clients/{scene.quiet.clients[0]}"
        probe = Attack("probe", write_request("GET", path, token=scene.quiet.token))
        sender = Sender(service.port)
        while True:
            cpu = service.cpu()
            answer = await sender.send(probe)
            self.taken.append((answer.began, answer.seconds, service.cpu() - cpu))
            if answer.statuses != [200]:
                findings.add("probe", f"another tenant got {answer.statuses} {answer.data[:300]!r}")
            await asyncio.sleep(PROBE_PAUSE)

    def slowest(self, answer: Answer) -> float:
        """The slowest probe while an answer was awaited."""
        ended = answer.began + answer.seconds
        return max(
            (seconds for began, seconds, _ in self.taken if began <= ended and began + seconds >= answer.began),
            default=0.0,
        )

    def describe(self) -> str:
        times = sorted(seconds * 1000 for _, seconds, _ in self.taken)
        return f"{len(times)} reads of another tenant, p99 {times[int(len(times) * 0.99)]:.0f} ms, slowest {times[-1]:.0f} ms"

    def check(self, findings: Findings) -> None:
        for _, seconds, cpu in self.taken:
            if seconds > LONGEST and cpu > BUSY * seconds:
                findings.add("busy", f"the service was busy for {seconds:.1f} s while another tenant waited")


async def run_pass(scene: Scene, service: Service, findings: Findings, numbers: Sequence[int], seed: int) -> None:
    """Sends the attacks with these numbers. Slow ones are sent again at the end, alone."""
    probes, waiting = Probes(), iter(numbers)
    slow: list[tuple[int, Answer]] = []
    probing = asyncio.create_task(probes.run(scene, service, findings))
    try:
        await asyncio.gather(*(work(scene, service, findings, waiting, seed, slow) for _ in range(CONNECTIONS)))
    finally:
        probing.cancel()
    probes.check(findings)
    for number, answer in slow:
        if probes.slowest(answer) < QUICK:
            await repeat(scene, service, findings, number, seed)
    print(f"{len(numbers)} attacks; {probes.describe()}")


async def work(
    scene: Scene,
    service: Service,
    findings: Findings,
    numbers: Iterator[int],
    seed: int,
    slow: list[tuple[int, Answer]],
) -> None:
    sender = Sender(service.port)
    for number in numbers:
        attack = make_attack(seed, number, scene)
        answer = await sender.send(attack)
        findings.count(attack, answer)
        note(scene, findings, number, attack, answer)
        if attack.whole:
            findings.slowest[attack.kind] = max(findings.slowest[attack.kind], round(answer.seconds * 1000))
            if answer.seconds > LONGEST:
                slow.append((number, answer))
    sender.close()


def note(scene: Scene, findings: Findings, number: int, attack: Attack, answer: Answer) -> None:
    for fault in find_faults(attack, answer, scene):
        findings.add(
            f"{attack.kind}: {fault}", f"--request {number}: {attack.data[:200]!r}… got {answer.data[-200:]!r}"
        )


async def repeat(scene: Scene, service: Service, findings: Findings, number: int, seed: int) -> None:
    """Sends a slow attack again. Counts it as a hang if it is slow once more."""
    attack = make_attack(seed, number, scene)
    began = time.monotonic()
    await Sender(service.port).send(attack)
    seconds = time.monotonic() - began
    if seconds > LONGEST:
        findings.add("hang", f"--request {number} took {seconds:.1f} s alone: {attack.data[:300]!r}")
