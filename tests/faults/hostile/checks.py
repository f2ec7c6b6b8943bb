"""The faults that an answer, the log and the figures of a pass can show, and the report about them."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.faults.hostile.scene import Attack, Scene
from tests.faults.hostile.sender import Answer

INTERNAL = re.compile(rb"INTERNAL_SERVER_ERROR|SERVICE_UNAVAILABLE|Internal Server Error")
BROKEN_SOCKET = re.compile(rb"\x88[\x02-\x7d](?:\x11\x94|\x03\xf3)")
"""A close frame with the code 4500 or 1011."""
LOGGED = re.compile(r"Traceback|never retrieved| ERROR | CRITICAL |Error: ")
WRONG_VERSION = 505
SHOWN = 6
RECORD_START = re.compile(r"^(?=\d{4}-\d\d-\d\d )", re.MULTILINE)
LONGEST_SHOWN = 1500
"""Characters of a record of the log."""


def find_faults(attack: Attack, answer: Answer, scene: Scene) -> list[str]:
    """What is wrong with an answer, in words."""
    faults = [f"status {status}" for status in answer.statuses if status >= 500 and status != WRONG_VERSION]
    if INTERNAL.search(answer.data):
        faults.append("internal error")
    if attack.frames and BROKEN_SOCKET.search(answer.data):
        faults.append("WebSocket closed by an internal error")
    if not attack.makes_token and attack.kind != "raw bytes" and any(secret in answer.data for secret in scene.secrets):
        faults.append("secret in the response")
    if answer.fault:
        faults.append(answer.fault)
    return faults


@dataclass
class Findings:
    """Everything that the run tells at its end."""

    faults: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    sent: Counter[str] = field(default_factory=Counter)
    statuses: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    slowest: Counter[str] = field(default_factory=Counter)

    def add(self, fault: str, example: str) -> None:
        self.faults[fault].append(example)

    def count(self, attack: Attack, answer: Answer) -> None:
        self.sent[attack.kind] += attack.count
        self.statuses[attack.kind][answer.label] += 1

    def check_log(self, log: str, scene: Scene) -> None:
        for record in RECORD_START.split(log):
            if LOGGED.search(record):
                self.add(
                    "log", record if len(record) < LONGEST_SHOWN else f"{record[:300]}\n…\n{record[-LONGEST_SHOWN:]}"
                )
        if any(secret.decode() in log for secret in scene.secrets):
            self.add("log", "a secret is in the log")

    def show(self) -> bool:
        """Prints the report. Returns True if there is no fault."""
        for kind, count in self.sent.items():
            statuses = ", ".join(f"{status}: {number}" for status, number in sorted(self.statuses[kind].items()))
            print(f"{kind:12} {count:6} requests, slowest {self.slowest[kind]:4} ms; {statuses}")
        print(f"{self.sent.total()} requests and messages")
        for fault, examples in self.faults.items():
            print(f"\nFAULT {fault}: {len(examples)}")
            for example in examples[:SHOWN]:
                print(f"    {example}")
        return not self.faults
