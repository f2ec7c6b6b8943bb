"""Redaction: access tokens are hidden in texts that are logged or sent back."""

import re
from urllib.parse import unquote, unquote_plus

HIDDEN = "…"
TOKEN = re.compile(
    r"(?:sk|ek)_(?:live|sandbox)_[a-z0-9]+"
    r"|(?:c2tf|ZWtf)(?:bGl2ZV|c2FuZGJveF)[a-z0-9+/=_-]+"
    r"|(?<![a-z0-9])[a-z0-9]{60,72}(?![a-z0-9])",
    re.IGNORECASE,
)
"""A token with its prefix, the same in base64, and a session, which has 64 letters and digits."""
ENCODED = re.compile(r"[A-Za-z0-9_%]+")
"""A text in which each character of a token may be percent-encoded."""
MOST_ENCODINGS = 3
PARAMETER = re.compile(r"""(?<=[?&;])([^=&?;\s"\\]*)=([^&;\s"\\]*)""")
REVOKED = re.compile(r"""(?<=/accesstokens/)[^/?\s"\\]+""", re.IGNORECASE)


def hide_tokens(text: str) -> str:
    """The text with `…` instead of everything that looks like a token, in time linear in its length.

    That is a text in the form of a token, percent-encoded or not, the value of a URL parameter whose name contains `token`,
    and the last segment of `/accesstokens/…`. JSON stays JSON.
    """
    text = PARAMETER.sub(_hide_parameter, text)
    text = REVOKED.sub(HIDDEN, text)
    if "%" in text:
        text = ENCODED.sub(_hide_encoded, text)
    return TOKEN.sub(HIDDEN, text)


def _hide_parameter(parameter: re.Match[str]) -> str:
    return f"{parameter[1]}={HIDDEN}" if "token" in unquote_plus(parameter[1]).lower() else parameter[0]


def _hide_encoded(run: re.Match[str]) -> str:
    """Hides a whole run, because only the decoded text shows where the token begins."""
    decoded = run[0]
    for _ in range(MOST_ENCODINGS):
        if "%" not in decoded:
            break
        decoded = unquote(decoded)
    return HIDDEN if decoded != run[0] and TOKEN.search(decoded) else run[0]
