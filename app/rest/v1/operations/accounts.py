"""The routes of accounts and of their access tokens."""

from app.accounts.limits import TOO_MANY_LOGINS, TOO_MANY_SIGN_UPS
from app.accounts.record import email_taken, read_sign_up, read_ttl
from app.accounts.service import LoginFailed
from app.errors import Forbidden, Malformed, TooMany
from app.rest.operations import Answer, Operations, Parameter, list_of, raised_by, ref
from app.rest.v1 import accounts, deletion
from app.rest.v1.call import SMALL_BODY_CAP, required_text
from app.rest.v1.errors import NOT_A_STRING, InvalidModel, NotLoggedIn, UnknownModel, checking, no_model, unknown_record
from app.rest.v1.models import ACCOUNT_MODEL
from app.rest.v1.operations.samples import (
    ACCOUNT_ID,
    LISTED_TOKEN,
    LOGIN,
    MOMENT,
    NEW_ACCOUNT,
    NEW_TOKEN,
    PASSWORDS,
    TOKEN,
    TOKEN_ID,
)
from app.rest.v1.operations.shared import DELETED, Handler, V1Operation, make_body, record_filter_parameter

ACCOUNTS, TOKENS = "Accounts", "Access tokens"
NO_ACCOUNT = no_model(ACCOUNT_ID)
UNKNOWN = unknown_record(ACCOUNT_MODEL, ACCOUNT_ID)
ACCOUNT = {
    **dict.fromkeys(field.name for field in ACCOUNT_MODEL.face.fields.values()),
    "id": ACCOUNT_ID,
    "email": NEW_ACCOUNT["email"],
    "firstname": NEW_ACCOUNT["firstname"],
    "locale": "en",
    "disableCreatingChildOrganizations": False,
    "emailVerified": False,
    "custom": {},
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
}
WAIT = 60
SMALL = f"A body has at most {SMALL_BODY_CAP} bytes."
NOTHING = Answer(description="Done. The response has no body.")


def _short_password() -> None:
    with checking(ACCOUNT_MODEL.name):
        read_sign_up({"email": "ana@studio.example", "password": "short"})


def _wrong_ttl() -> None:
    with checking(accounts.TOKENS_MODEL):
        read_ttl("soon")


SIGN_UP = V1Operation(
    handler=accounts.sign_up,
    id="createAccount",
    tag=ACCOUNTS,
    summary="Create an account",
    description=f"Creates an account with a password, if the operator allows it. {SMALL}",
    public=True,
    body=make_body("NewAccount", NEW_ACCOUNT),
    answers={200: Answer(description="The account.", schema=ref("Account"), example=ACCOUNT)},
    errors=(
        Forbidden("Only the operator creates accounts."),
        InvalidModel(email_taken("ana@studio.example"), ACCOUNT_MODEL.name),
        raised_by(_short_password),
        TooMany(TOO_MANY_SIGN_UPS, WAIT),
    ),
)
LOG_IN = V1Operation(
    handler=accounts.log_in,
    id="login",
    tag=ACCOUNTS,
    summary="Log in",
    description=f"Makes an access token of an e-mail address and a password. A token in the request is ignored. {SMALL}",
    public=True,
    body=make_body("Login", LOGIN),
    answers={
        200: Answer(description="The new token. `id` is the token itself.", schema=ref("AccessToken"), example=TOKEN)
    },
    errors=(
        LoginFailed("login failed"),
        Malformed("username or email is required", "email", code="USERNAME_EMAIL_REQUIRED"),
        Malformed(NOT_A_STRING, "password"),
        raised_by(_wrong_ttl),
        TooMany(TOO_MANY_LOGINS, WAIT),
        TooMany("Too many logins are in progress", 1),
    ),
)

ACCOUNT_ROUTES: Operations[Handler] = {
    ("POST", "/v1/accounts"): SIGN_UP,
    ("POST", "/v1/accounts/login"): LOG_IN,
    ("POST", "/v1/accounts/logout"): V1Operation(
        handler=accounts.log_out,
        id="logout",
        tag=ACCOUNTS,
        summary="Log out",
        description="Ends the token of the request.",
        answers={204: NOTHING},
        errors=(NotLoggedIn("accessToken is required to logout"),),
    ),
    ("POST", "/v1/accounts/change-password"): V1Operation(
        handler=accounts.change_password,
        id="changePassword",
        tag=ACCOUNTS,
        summary="Change the password",
        description=f"Changes the password of your account, and ends its other logins. {SMALL}",
        body=make_body("PasswordChange", PASSWORDS),
        answers={204: NOTHING},
        errors=(
            raised_by(lambda: required_text({}, "oldPassword")),
            Malformed("Invalid current password", "oldPassword", code="INVALID_PASSWORD"),
            raised_by(_short_password),
            TooMany(TOO_MANY_LOGINS, WAIT),
            TooMany("Too many logins are in progress", 1),
        ),
    ),
    ("GET", "/v1/accounts/authorized"): V1Operation(
        handler=accounts.get_authorized,
        id="getAuthorizedAccount",
        tag=ACCOUNTS,
        summary="Get the account of the token",
        parameters=(record_filter_parameter(ACCOUNT_MODEL),),
        answers={200: Answer(description="The account.", schema=ref("PartialAccount"), example=ACCOUNT)},
        errors=(UNKNOWN,),
    ),
    ("GET", "/v1/accounts/is-unique"): V1Operation(
        handler=accounts.ask_unique,
        id="isEmailUnique",
        tag=ACCOUNTS,
        summary="Ask whether an e-mail address is free",
        public=True,
        parameters=(
            Parameter(
                name="email",
                description="The e-mail address.",
                required=True,
                example="ana@studio.example",
                errors=(raised_by(lambda: required_text({}, "email")),),
            ),
        ),
        answers={
            200: Answer(
                description="True if no account has the address.", schema=ref("Uniqueness"), example={"isUnique": True}
            )
        },
    ),
    ("GET", "/v1/accounts/{id}"): V1Operation(
        handler=accounts.get,
        id="getAccount",
        tag=ACCOUNTS,
        summary="Get your account",
        parameters=(record_filter_parameter(ACCOUNT_MODEL),),
        answers={200: Answer(description="The account.", schema=ref("PartialAccount"), example=ACCOUNT)},
        errors=(UNKNOWN,),
    ),
    ("DELETE", "/v1/accounts/{id}"): V1Operation(
        handler=deletion.delete_account,
        id="deleteAccount",
        tag=ACCOUNTS,
        summary="Delete your account",
        description="Deletes your account with the organizations that only it can access. For some days the operator of the "
        "service can restore it. No other account is deleted: the count is 0 then.",
        answers={200: DELETED},
    ),
    ("POST", "/v1/accounts/{id}/accesstokens"): V1Operation(
        handler=accounts.create_token,
        id="createAccessToken",
        tag=TOKENS,
        summary="Create an access token",
        description="Makes another token of your account. It does not outlive the token of the request.",
        body=make_body("NewAccessToken", NEW_TOKEN, form=False),
        answers={
            200: Answer(
                description="The new token. `id` is the token itself, and it is shown only here.",
                schema=ref("AccessToken"),
                example={**TOKEN, **NEW_TOKEN},
            )
        },
        errors=(NO_ACCOUNT, raised_by(_wrong_ttl)),
    ),
    ("GET", "/v1/accounts/{id}/accesstokens"): V1Operation(
        handler=accounts.find_tokens,
        id="findAccessTokens",
        tag=TOKENS,
        summary="List access tokens",
        description="The tokens of your account, the newest first, up to the cap of a page.",
        answers={
            200: Answer(description="The tokens.", schema=list_of(ref("ListedAccessToken")), example=[LISTED_TOKEN])
        },
        errors=(NO_ACCOUNT,),
    ),
    ("DELETE", "/v1/accounts/{id}/accesstokens/{fk}"): V1Operation(
        handler=accounts.delete_token,
        id="deleteAccessToken",
        tag=TOKENS,
        summary="Delete an access token",
        description="Ends a token of your account. The path has its id from the list, or the token itself.",
        answers={204: NOTHING},
        errors=(NO_ACCOUNT, UnknownModel(f"No instance with id {TOKEN_ID} found for {accounts.TOKENS_MODEL}")),
    ),
}
