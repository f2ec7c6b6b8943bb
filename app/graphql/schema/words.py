"""The enums of records and tokens. Each member is its public word, so that filters and bodies read it as a text."""

from enum import StrEnum
from typing import Any, Self

import strawberry

from app.clients.faces import BANK_ACCOUNT_TYPE, CLIENT_TYPE_WORD, CONTACT_TYPE_WORD
from app.query.face import Codec


class Word(StrEnum):
    """A member of an enum that is a text: its own name in the schema."""

    def __new__(cls, definition: Any) -> Self:
        word = str.__new__(cls, definition.value)
        word._value_ = definition
        return word


@strawberry.enum(description="The role of a client.")
class ClientType(Word):
    CUSTOMER = strawberry.enum_value("CUSTOMER", description="The client receives documents from the organization.")
    SUPPLIER = strawberry.enum_value("SUPPLIER", description="The client sends documents to the organization.")
    BOTH = strawberry.enum_value("BOTH", description="The client receives and sends documents.")


@strawberry.enum(description="The role of a customer.")
class ContactType(Word):
    BUYER = strawberry.enum_value("BUYER", description="The customer receives documents from the organization.")
    SUPPLIER = strawberry.enum_value("SUPPLIER", description="The customer sends documents to the organization.")
    BOTH = strawberry.enum_value("BOTH", description="The customer receives and sends documents.")


@strawberry.enum(description="The kind of a bank account.")
class BankAccountType(Word):
    IBAN = strawberry.enum_value("IBAN", description="An account with an IBAN and perhaps a BIC.")
    US_DOMESTIC = strawberry.enum_value(
        "US_DOMESTIC", description="An account in the United States, with an account number and a routing number."
    )
    UK_DOMESTIC = strawberry.enum_value(
        "UK_DOMESTIC", description="An account in the United Kingdom, with an account number and a sort code."
    )
    OTHER = strawberry.enum_value("OTHER", description="Any other account.")


@strawberry.enum(description="The outcome of a check of a tax number.")
class VatCheckOutcome(Word):
    VALID = strawberry.enum_value(
        "VALID", description="The number is valid. Offline, only its form and its digits are."
    )
    INVALID = strawberry.enum_value("INVALID", description="The number is not valid.")
    UNKNOWN = strawberry.enum_value("UNKNOWN", description="The number belongs to no known member state.")


@strawberry.enum(description="The source of a check of a tax number.")
class VatCheckSource(Word):
    VIES = strawberry.enum_value("VIES", description="VIES, the register of the European Commission, gave the outcome.")
    OFFLINE = strawberry.enum_value("OFFLINE", description="The form and the check digits were examined without VIES.")


@strawberry.enum(description="A language that reminders are written in.")
class ReminderLanguage(Word):
    EN = strawberry.enum_value("EN", description="English.")
    DE = strawberry.enum_value("DE", description="German.")
    FR = strawberry.enum_value("FR", description="French.")
    IT = strawberry.enum_value("IT", description="Italian.")
    SL = strawberry.enum_value("SL", description="Slovenian.")
    HR = strawberry.enum_value("HR", description="Croatian.")


@strawberry.enum(description="A right of a token.")
class TokenScope(Word):
    READ = strawberry.enum_value("READ", description="The token may read.")
    WRITE = strawberry.enum_value("WRITE", description="The token may write.")


@strawberry.enum(
    description="Live and sandbox organizations are separate. A token can access those of its own environment only."
)
class Environment(Word):
    LIVE = strawberry.enum_value("LIVE", description="The environment of real business.")
    SANDBOX = strawberry.enum_value("SANDBOX", description="The environment for tests.")


WORDS: dict[Codec, type[Word]] = {
    CLIENT_TYPE_WORD: ClientType,
    CONTACT_TYPE_WORD: ContactType,
    BANK_ACCOUNT_TYPE: BankAccountType,
}
"""The enums of the fields that are written or filtered by, by the spelling of their values."""
