"""The types of the documents in a record. A test compares their fields with the spellings in the field table."""

import strawberry
from strawberry import field

from app.graphql.execution.loading import Document
from app.graphql.schema.inputs import DateTime, Json
from app.graphql.schema.words import BankAccountType, VatCheckOutcome, VatCheckSource


@strawberry.type(description="A bank account of a customer.")
class BankAccount(Document):
    type: BankAccountType = field(description="The kind of the account, which tells the fields that matter.")
    name: str | None = field(description="The name of the account.")
    bank_name: str | None = field(description="The name of the bank.")
    iban: str | None = field(description="The IBAN.")
    account_number: str | None = field(description="The account number.")
    bic: str | None = field(description="The BIC (SWIFT code) of the bank.")
    routing_number: str | None = field(description="The routing number of a bank in the United States.")
    sort_code: str | None = field(description="The sort code of a bank in the United Kingdom.")
    is_default: bool | None = field(description="True for the account that is used by default.")


@strawberry.type(description="The receiver of documents in the Slovenian public sector, as UJP's register names it.")
class UjpReceiver(Document):
    name: str | None = field(description="The name of the receiver.")
    identifier: str | None = field(description="The identifier of the receiver.")
    agent: str | None = field(description="The agent of the receiver.")
    mailbox: str | None = field(description="The mailbox of the receiver.")


@strawberry.type(description="A check of a tax number.")
class ViesCheck(Document):
    outcome: VatCheckOutcome = field(description="The outcome.")
    source: VatCheckSource = field(description="The source of the outcome.")
    checked_at: DateTime | None = field(
        description="The time of the check. Null only for a check that was imported without its time."
    )
    name: str | None = field(description="The name that VIES has for the number. Some member states disclose none.")
    address: str | None = field(
        description="The address that VIES has for the number. Some member states disclose none."
    )
    request_identifier: str | None = field(description="The identifier with which VIES confirms the check.")
    message: str | None = field(description="The reason for an invalid number, or for the lack of an answer from VIES.")


@strawberry.type(description="A named value of a client.")
class ClientDataItem(Document):
    item_id: str | None = field(description="The id of the item, as its writer chose it. It need not be unique.")
    name: str | None = field(description="The name of the item.")
    value: Json | None = field(description="The value: any JSON.")
    options: Json | None = field(description="Further data about the item: any JSON.")
