"""The check of one tax number: offline first, then by VIES if VIES_URL is set. It always returns a result."""

import logging
from datetime import UTC, datetime
from typing import TypedDict

from app.vat.numbers import check_offline
from app.vat.vies import NoAnswer, Vies

log = logging.getLogger("clientele")


class Check(TypedDict):
    """The result that callers see and the database keeps; every member is always present.

    `source` is "vies" or "offline". Offline, `valid` tells only whether the form and the check digits are right; it is
    null when no member state is known. `message` says why a number is wrong or why VIES gave no result. `checked_at`
    is UTC with milliseconds and Z.
    """

    valid: bool | None
    name: str | None
    address: str | None
    request_identifier: str | None
    checked_at: str
    source: str
    message: str | None


async def check_number(vies: Vies, text: str, country_code: str | None, country: str | None) -> Check:
    """Checks a tax number. VIES is asked only about numbers that are right offline.

    If VIES gives no result, the offline result is returned with a message.
    """
    offline = check_offline(text, country_code, country)
    if offline.number is None or vies.url is None:
        return _offline_check(offline.valid, offline.message)
    try:
        confirmation = await vies.ask(offline.number)
    except NoAnswer as error:
        log.warning("VIES gave no result: %s", error)
        return _offline_check(offline.valid, f"VIES gave no result: {error}")
    return Check(
        valid=confirmation.valid,
        name=confirmation.name,
        address=confirmation.address,
        request_identifier=confirmation.request_identifier,
        checked_at=_now(),
        source="vies",
        message=None,
    )


def _offline_check(valid: bool | None, message: str | None) -> Check:
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
