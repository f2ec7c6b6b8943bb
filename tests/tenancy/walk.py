"""The walk: each caller asks about the owner's records and about records that do not exist, and gets the same answers."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from app.organizations.service import create_token
from tests.tenancy.probes import Answer, Probe, differences, make_absent, names_for
from tests.tenancy.rest import DIFFERENT
from tests.tenancy.world import KINDS, Caller, Tenant, World, make_tenant


@dataclass
class Report:
    """The findings of a walk, and the number of its requests."""

    requests: int = 0
    findings: list[str] = field(default_factory=list)

    def note(self, probe: Probe, caller: str, problems: Iterable[str]) -> None:
        self.findings += [f"{probe.operation} as {caller}: {problem}\n    {probe}" for problem in problems]


async def walk(world: World, probes: Iterable[Probe], callers: Sequence[str] | None = None) -> Report:
    """Sends each probe as each caller, twice. `callers` limits them by their names."""
    report, by_operation = Report(), defaultdict(list)
    for probe in probes:
        by_operation[probe.operation].append(probe)
    before = await world.stored()
    for operation, group in by_operation.items():
        chosen = [caller for caller in await world.foreign_callers() if callers is None or caller.name in callers]
        for caller in chosen:
            await _compare(world, caller, group if caller.valid else _thin_out(group), report)
        await _read_only(world, group, report)
        after = await world.stored()
        changed = [table for table in before if before[table] != after[table]]
        if changed:
            report.findings.append(f"{operation} changed {', '.join(changed)} of the owner")
        before = after
    return report


def sample(probes: Iterable[Probe], most: int) -> list[Probe]:
    """At most so many probes of each operation, from all its kinds."""
    by_operation: dict[str, list[Probe]] = defaultdict(list)
    for probe in probes:
        by_operation[probe.operation].append(probe)
    return [probe for group in by_operation.values() for probe in group[:: max(len(group) // most, 1)][:most]]


def _thin_out(probes: Sequence[Probe]) -> Sequence[Probe]:
    """One probe of each path and document, for callers without a valid token, which are rejected before all else."""
    return list({(probe.path, str(probe.body)[:200]): probe for probe in probes}.values())


async def _compare(world: World, caller: Caller, probes: Sequence[Probe], report: Report) -> None:
    absent = make_absent(world.owner)
    foreign_names = names_for(caller, world.owner, world.owner)
    absent_names = names_for(caller, absent, world.owner)
    async with world.service.client(caller.token) as http:
        for probe in probes:
            foreign = await probe.ask(http, foreign_names)
            other = await probe.ask(http, absent_names)
            report.requests += 2
            report.note(probe, caller.name, _judge(probe, foreign, other))


def _judge(probe: Probe, foreign: Answer, absent: Answer) -> Iterator[str]:
    if foreign.status >= 500:
        yield f"status {foreign.status}: {foreign.body}"
    elif probe.operation not in DIFFERENT:
        yield from differences(foreign, absent)


async def _read_only(world: World, probes: Sequence[Probe], report: Report) -> None:
    """Sends the probes of writes with the owner's token that may only read. What is stored shows whether they wrote."""
    caller = await world.reader()
    names = names_for(caller, world.owner, world.owner)
    async with world.service.client(caller.token) as http:
        for probe in probes:
            if probe.operation != "POST /v1/accounts/logout":
                answer = await probe.ask(http, names)
                report.note(probe, caller.name, [answer.body] if answer.status >= 500 else [])
                report.requests += 1


async def find_blind(world: World, probes: Iterable[Probe]) -> list[str]:
    """The operations that name a record and answer its owner as if it did not exist, so that the walk would prove nothing."""
    by_operation: dict[str, list[Probe]] = defaultdict(list)
    for probe in probes:
        if (
            probe.operation not in DIFFERENT
            and not probe.has_idempotency_key
            and {name.split(".")[0] for name in probe.names()} & {*KINDS}
        ):
            by_operation[probe.operation].append(probe)
    blind = []
    for number, (operation, group) in enumerate(by_operation.items()):
        ends = re.search("delete|restore", operation, re.IGNORECASE)
        owner = await make_tenant(world.service, f"owner{number}") if ends else world.owner
        if not await _distinguishes(world, owner, group):
            blind.append(f"{operation} answers the owner as if the record were absent")
    return blind


async def _distinguishes(world: World, owner: Tenant, probes: Sequence[Probe]) -> bool:
    """True if one of the probes has another answer about the owner's record than about an absent one."""
    token = await create_token(world.service.database, account_email=owner.email)
    caller, absent = Caller("owner", token, owner.ids), make_absent(owner)
    async with world.service.client(token) as http:
        for probe in probes:
            own = await probe.ask(http, names_for(caller, owner, owner))
            if any(differences(own, await probe.ask(http, names_for(caller, absent, owner)))):
                return True
    return False
