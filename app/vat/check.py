"""The check of one tax number: offline first, then by VIES where it is set; always an answer."""

import logging
from datetime import UTC, datetime
from typing import TypedDict

from app.vat.numbers import read_number
from app.vat.vies import NoAnswer, Vies

log = logging.getLogger("clientele")


class Check(TypedDict):
    """The answer that is shown and kept; every member is always there.

    `valid` is what `source` says: "vies", or "offline" for the form and the check digits alone; null when neither can
    tell. `message` says why a number is wrong or why VIES was not heard. `checked_at` is UTC with milliseconds and Z.
    """

    valid: bool | None
    name: str | None
    address: str | None
    request_identifier: str | None
    checked_at: str
    source: str
    message: str | None


async def check_number(vies: Vies, text: str, country_code: str | None, country: str | None) -> Check:
    """Checks a tax number. VIES is asked about numbers that are right offline; when it gives no answer, that stands."""
    reading = read_number(text, country_code, country)
    if reading.number is None or vies.url is None:
        return _offline(reading.valid, reading.message)
    try:
        said = await vies.ask(reading.number)
    except NoAnswer as error:
        log.warning("VIES gave no answer: %s", error)
        return _offline(reading.valid, f"VIES gave no answer: {error}")
    return Check(
        valid=said.valid,
        name=said.name,
        address=said.address,
        request_identifier=said.request_identifier,
        checked_at=_now(),
        source="vies",
        message=None,
    )


def _offline(valid: bool | None, message: str | None) -> Check:
    return Check(
        valid=valid,
        name=None,
        address=None,
        request_identifier=None,
        checked_at=_now(),
        source="offline",
        message=message,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
