"""Text folds alike in every script: marks of all scripts, case folding, and one table of letter variants.

The table of clients is rewritten and all its indexes are built anew: one to two minutes for each million rows, in which
no client can be read or written. A migration that is interrupted, or that waits 5 s for its lock, changes nothing.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Made by scripts/folding.py from Unicode 18.0.0 and 14.0.0.
MARKS = (
    r"\u0300-\u0344\u0346-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1-\u05c2\u05c4-\u05c5\u05c7-\u05c9"
    r"\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7-\u06e8\u06ea-\u06ed\u0711\u0730"
    r"-\u074a\u07a6-\u07b0\u07eb-\u07f3\u07fd\u0816-\u0819\u081b-\u0823\u0825-\u0827\u0829-\u082d\u0859"
    r"-\u085b\u0897-\u089f\u08ca-\u08e1\u08e3-\u0902\u093a\u093c\u0941-\u0948\u094d\u0951-\u0957\u0962"
    r"-\u0963\u0981\u09bc\u09c1-\u09c4\u09cd\u09e2-\u09e3\u09fe\u0a01-\u0a02\u0a3c\u0a41-\u0a42\u0a47-"
    r"\u0a48\u0a4b-\u0a4d\u0a51\u0a70-\u0a71\u0a75\u0a81-\u0a82\u0abc\u0ac1-\u0ac5\u0ac7-\u0ac8\u0acd\u0ae2"
    r"-\u0ae3\u0afa-\u0aff\u0b01\u0b3c\u0b3f\u0b41-\u0b44\u0b4d\u0b53-\u0b56\u0b62-\u0b63\u0b82\u0bc0\u0bcd"
    r"\u0c00\u0c04\u0c3c\u0c3e-\u0c40\u0c46-\u0c48\u0c4a-\u0c4d\u0c55-\u0c56\u0c62-\u0c63\u0c81\u0cbc\u0cbf"
    r"\u0cc6\u0ccc-\u0ccd\u0ce2-\u0ce3\u0d00-\u0d01\u0d3b-\u0d3c\u0d41-\u0d44\u0d4d\u0d62-\u0d63\u0d81"
    r"\u0dca\u0dd2-\u0dd4\u0dd6\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u0f18-"
    r"\u0f19\u0f35\u0f37\u0f39\u0f71-\u0f7e\u0f80-\u0f84\u0f86-\u0f87\u0f8d-\u0f97\u0f99-\u0fbc\u0fc6\u102d"
    r"-\u1030\u1032-\u1037\u1039-\u103a\u103d-\u103e\u1058-\u1059\u105e-\u1060\u1071-\u1074\u1082\u1085"
    r"-\u1086\u108d\u109d\u135d-\u135f\u1712-\u1715\u1732-\u1734\u1752-\u1753\u1772-\u1773\u17b4-\u17b5"
    r"\u17b7-\u17bd\u17c6\u17c9-\u17d3\u17dd\u180b-\u180d\u180f\u1885-\u1886\u18a9\u1920-\u1922\u1927-"
    r"\u1928\u1932\u1939-\u193b\u1a17-\u1a18\u1a1b\u1a56\u1a58-\u1a5e\u1a60\u1a62\u1a65-\u1a6c\u1a73-\u1a7c"
    r"\u1a7f\u1ab0-\u1abd\u1abf-\u1af0\u1b00-\u1b03\u1b34\u1b36-\u1b3a\u1b3c\u1b42\u1b44\u1b6b-\u1b73\u1b80"
    r"-\u1b81\u1ba2-\u1ba5\u1ba8-\u1bad\u1be6\u1be8-\u1be9\u1bed\u1bef-\u1bf3\u1c2c-\u1c33\u1c36-\u1c37"
    r"\u1cd0-\u1cd2\u1cd4-\u1ce0\u1ce2-\u1ce8\u1ced\u1cf4\u1cf8-\u1cf9\u1dc0-\u1dff\u20d0-\u20dc\u20e1"
    r"\u20e5-\u20f0\u2cef-\u2cf1\u2d7f\u2de0-\u2dff\u302a-\u302f\u3099-\u309a\ua66f\ua674-\ua67d\ua69e"
    r"-\ua69f\ua6f0-\ua6f1\ua802\ua806\ua80b\ua825-\ua826\ua82c\ua8c4-\ua8c5\ua8e0-\ua8f1\ua8ff\ua926-"
    r"\ua92d\ua947-\ua951\ua953\ua980-\ua982\ua9b3\ua9b6-\ua9b9\ua9bc-\ua9bd\ua9c0\ua9e5\uaa29-\uaa2e\uaa31"
    r"-\uaa32\uaa35-\uaa36\uaa43\uaa4c\uaa7c\uaab0\uaab2-\uaab4\uaab7-\uaab8\uaabe-\uaabf\uaac1\uaaec-"
    r"\uaaed\uaaf6\uabe5\uabe8\uabed\ufb1e\ufe00-\ufe0f\ufe20-\ufe2f\U000101fd\U000102e0\U00010376-\U0001037a"
    r"\U00010a01-\U00010a03\U00010a05-\U00010a06\U00010a0c-\U00010a0f\U00010a38-\U00010a3a\U00010a3f\U00010ae5"
    r"-\U00010ae6\U00010d24-\U00010d27\U00010d69-\U00010d6d\U00010eab-\U00010eac\U00010ecb-\U00010ecf\U00010ef0"
    r"-\U00010eff\U00010f46-\U00010f50\U00010f82-\U00010f85\U00011001\U00011038-\U00011046\U00011070\U00011073"
    r"-\U00011074\U0001107f-\U00011081\U000110b3-\U000110b6\U000110b9-\U000110ba\U000110c2\U00011100-\U00011102"
    r"\U00011127-\U0001112b\U0001112d-\U00011134\U00011173\U00011180-\U00011181\U000111b6-\U000111be\U000111c0"
    r"\U000111c9-\U000111cc\U000111cf\U0001122f-\U00011231\U00011234-\U00011237\U0001123e\U00011241\U000112df"
    r"\U000112e3-\U000112ea\U00011300-\U00011301\U0001133b-\U0001133c\U00011340\U0001134d\U00011366-\U0001136c"
    r"\U00011370-\U00011374\U000113bb-\U000113c0\U000113ce-\U000113d0\U000113d2\U000113e1-\U000113e2\U00011438"
    r"-\U0001143f\U00011442-\U00011444\U00011446\U0001145e\U000114b3-\U000114b8\U000114ba\U000114bf-\U000114c0"
    r"\U000114c2-\U000114c3\U000115b2-\U000115b5\U000115bc-\U000115bd\U000115bf-\U000115c0\U000115dc-\U000115dd"
    r"\U00011633-\U0001163a\U0001163d\U0001163f-\U00011640\U000116ab\U000116ad\U000116b0-\U000116b7\U0001171d"
    r"-\U0001171f\U00011722-\U00011725\U00011727-\U0001172b\U0001182f-\U00011837\U00011839-\U0001183a\U0001193b"
    r"-\U0001193e\U00011943\U000119d4-\U000119d7\U000119da-\U000119db\U000119e0\U00011a01-\U00011a0a\U00011a33"
    r"-\U00011a38\U00011a3b-\U00011a3e\U00011a47\U00011a51-\U00011a56\U00011a59-\U00011a5b\U00011a8a-\U00011a96"
    r"\U00011a98-\U00011a99\U00011b60\U00011b62-\U00011b64\U00011b66\U00011c30-\U00011c36\U00011c38-\U00011c3d"
    r"\U00011c3f\U00011c92-\U00011ca7\U00011caa-\U00011cb0\U00011cb2-\U00011cb3\U00011cb5-\U00011cb6\U00011d31"
    r"-\U00011d36\U00011d3a\U00011d3c-\U00011d3d\U00011d3f-\U00011d45\U00011d47\U00011d90-\U00011d91\U00011d95"
    r"\U00011d97\U00011df0\U00011ef3-\U00011ef4\U00011f00-\U00011f01\U00011f36-\U00011f3a\U00011f40-\U00011f42"
    r"\U00011f5a\U00013440\U00013447-\U00013455\U0001611e-\U00016129\U0001612d-\U0001612f\U00016af0-\U00016af4"
    r"\U00016b30-\U00016b36\U00016f4f\U00016f8f-\U00016f92\U00016fe4\U00016ff0-\U00016ff1\U0001bc9d-\U0001bc9e"
    r"\U0001cf00-\U0001cf2d\U0001cf30-\U0001cf46\U0001d127-\U0001d128\U0001d165-\U0001d169\U0001d16d-\U0001d172"
    r"\U0001d17b-\U0001d182\U0001d185-\U0001d18b\U0001d1aa-\U0001d1ad\U0001d242-\U0001d244\U0001d250-\U0001d252"
    r"\U0001d25b-\U0001d25c\U0001d25f\U0001d280-\U0001d281\U0001da00-\U0001da36\U0001da3b-\U0001da6c\U0001da75"
    r"\U0001da84\U0001da9b-\U0001da9f\U0001daa1-\U0001daaf\U0001e000-\U0001e006\U0001e008-\U0001e018\U0001e01b"
    r"-\U0001e021\U0001e023-\U0001e024\U0001e026-\U0001e02a\U0001e08f\U0001e130-\U0001e136\U0001e2ae\U0001e2ec"
    r"-\U0001e2ef\U0001e4ec-\U0001e4ef\U0001e5ee-\U0001e5ef\U0001e6e3\U0001e6e6\U0001e6ee-\U0001e6ef\U0001e6f5"
    r"\U0001e8d0-\U0001e8d6\U0001e944-\U0001e94a\U000e0100-\U000e01ef"
)
SPECIAL = (
    r"\u00ab\u00b4\u00bb\u00c6\u00d0\u00d8\u00de-\u00df\u00e6\u00f0\u00f8\u00fe\u0110-\u0111\u0126-\u0127"
    r"\u0131\u0141-\u0142\u0149\u0152-\u0153\u0166-\u0167\u01e2-\u01e3\u01fc-\u01ff\u02b9\u02bb-\u02bf"
    r"\u0345\u0374\u037a\u03c2\u03f2\u055a\u058a\u05be\u05f3-\u05f4\u0629\u0640\u0649\u0671-\u0673\u06a9"
    r"\u06be\u06c0-\u06c3\u06cc\u06d2-\u06d3\u06d5\u1400\u1806\u1c80-\u1c88\u1d2d\u1d9e\u1e9a\u1e9e\u1f80"
    r"-\u1faf\u1fb2-\u1fb4\u1fb7\u1fbc\u1fc2-\u1fc4\u1fc7\u1fcc\u1ff2-\u1ff4\u1ff7\u1ffc-\u1ffd\u2010-"
    r"\u2015\u2018-\u201f\u2032-\u2037\u2039-\u203a\u2057\u207b\u208b\u210f\u2212\u2e17\u2e1a\u2e3a-\u2e3b"
    r"\u2e40\u2e5d\u301c-\u301f\u3030\u30a0\ua78b-\ua78c\ua7f8-\ua7f9\ufb50-\ufb51\ufb8e-\ufb91\ufba4-"
    r"\ufbb1\ufbe8-\ufbe9\ufbec-\ufbed\ufbf9-\ufbff\ufc03\ufc09\ufc0f\ufc13\ufc31\ufc35\ufc3d\ufc43\ufc49"
    r"\ufc4f\ufc53\ufc59\ufc5d\ufc68\ufc6e\ufc74\ufc7a\ufc7c\ufc7e\ufc83\ufc86\ufc8e\ufc90\ufc95\ufcf2"
    r"-\ufcf5\ufcf7\ufcf9\ufcfb\ufcfd\ufcff\ufd01\ufd03\ufd05\ufd07\ufd11\ufd13\ufd15\ufd17\ufd19\ufd1b"
    r"\ufd1d\ufd1f\ufd21\ufd23\ufd5b\ufd5e\ufd6e\ufd78\ufd7b\ufd82\ufd96\ufd99\ufd9b\ufda0\ufda2\ufda4"
    r"\ufda6-\ufda8\ufdf0-\ufdf1\ufdf9-\ufdfa\ufdfc\ufe31-\ufe32\ufe58\ufe71\ufe77\ufe79\ufe7b\ufe7d\ufe7f"
    r"\ufe93-\ufe94\ufeef-\ufef0\U00010783\U00010795\U000107a2\U00010d6e\U00010ead\U0001d6a4\U0001d6a6"
    r"\U0001d6d3\U0001d70d\U0001d747\U0001d781\U0001d7bb\U0001df95\U0001dfd3\U0001dfd5"
)
RARE = (
    r"\u00ab\u00bb\u0149\u02b9\u02bb-\u02bf\u0374\u055a\u058a\u05be\u05f3-\u05f4\u0629\u0640\u0649\u0671"
    r"-\u0673\u06a9\u06be\u06c0-\u06c3\u06cc\u06d2-\u06d3\u06d5\u1400\u1806\u1c80-\u1c88\u1e9a\u2010-\u2012"
    r"\u2015\u201b\u201f\u2032-\u2037\u2039-\u203a\u2057\u207b\u208b\u2212\u2e17\u2e1a\u2e3a-\u2e3b\u2e40"
    r"\u2e5d\u301c-\u301f\u3030\u30a0\ua78b-\ua78c\ufb50-\ufb51\ufb8e-\ufb91\ufba4-\ufbb1\ufbe8-\ufbe9"
    r"\ufbec-\ufbed\ufbf9-\ufbff\ufc03\ufc09\ufc0f\ufc13\ufc31\ufc35\ufc3d\ufc43\ufc49\ufc4f\ufc53\ufc59"
    r"\ufc5d\ufc68\ufc6e\ufc74\ufc7a\ufc7c\ufc7e\ufc83\ufc86\ufc8e\ufc90\ufc95\ufcf2-\ufcf5\ufcf7\ufcf9"
    r"\ufcfb\ufcfd\ufcff\ufd01\ufd03\ufd05\ufd07\ufd11\ufd13\ufd15\ufd17\ufd19\ufd1b\ufd1d\ufd1f\ufd21"
    r"\ufd23\ufd5b\ufd5e\ufd6e\ufd78\ufd7b\ufd82\ufd96\ufd99\ufd9b\ufda0\ufda2\ufda4\ufda6-\ufda8\ufdf0"
    r"-\ufdf1\ufdf9-\ufdfa\ufdfc\ufe71\ufe77\ufe79\ufe7b\ufe7d\ufe7f\ufe93-\ufe94\ufeef-\ufef0\U00010d6e"
    r"\U00010ead"
)
COMMON_FROM = "\u0142\u00f8\u0111\u0127\u0167\u0131\u00f0\u03c2\u0345\u2018\u2019\u201a\u201c\u201d\u201e\u2013\u2014"
COMMON_TO = "lodhtidσι'''\"\"\"--"
RARE_FROM = (
    "\u1c80\u1c81\u1c82\u1c83\u1c84\u1c85\u1c86\u1c87\u1c88\u0649\u06cc\u06d2\u0629\u06c1\u06be\u06d5"
    "\u06c3\u06a9\u0671\u0672\u0673\u201b\u2032\u2035\u2039\u203a\u02b9\u02bb\u02bc\u02bd\u02be\u02bf"
    "\u055a\u05f3\ua78c\u201f\u00ab\u00bb\u301d\u301e\u301f\u05f4\u058a\u05be\u1400\u1806\u2010\u2012"
    "\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0\U00010d6e\U00010ead\u2212\u0640"
)
RARE_TO = "вдосттъѣꙋيييهههههكااا''''''''''''''\"\"\"\"\"\"\"-------------------"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


FOLD_LETTERS = f"""
CREATE FUNCTION fold_letters(given text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    decomposed text := normalize(translate(given, U&'\\00B4\\1FFD', ''''''), NFKD);
    plain text := lower(regexp_replace(decomposed COLLATE "C", '[{MARKS}]+', '', 'g') COLLATE pg_c_utf8);
BEGIN
    IF given COLLATE "C" !~ '[{SPECIAL}]' THEN
        RETURN plain;
    END IF;
    plain := translate(plain, {_literal(COMMON_FROM)}, {_literal(COMMON_TO)});
    plain := replace(replace(replace(replace(plain, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');
    IF given COLLATE "C" !~ '[{RARE}]' THEN
        RETURN plain;
    END IF;
    RETURN translate(plain, {_literal(RARE_FROM)}, {_literal(RARE_TO)});
END $$
"""
"""The folded form of a text with letters beyond ASCII. The shorter ways give the same as the last one.

It is a function of its own so that texts of ASCII do not pay for its size.
"""

FOLD = """
CREATE OR REPLACE FUNCTION fold(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(given) = char_length(given) THEN lower(given COLLATE pg_c_utf8)
ELSE fold_letters(given) END
"""
"""The form in which text is ordered, searched and compared without case. Each character folds by itself."""

FORMER_FOLD = """
CREATE OR REPLACE FUNCTION fold(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(given) = char_length(given) THEN lower(given COLLATE pg_c_utf8)
ELSE replace(replace(replace(replace(translate(
    lower(regexp_replace(normalize(given, NFKD), U&'[\\0300-\\036F]+', '', 'g') COLLATE pg_c_utf8),
    'łøđħŧıς', 'lodhtiσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th') END
"""

SEARCHED = """search_words(ARRAY[name, email, contact, note, address, address2, city, zip, state, country, tax_number,
 company_number, iban, bank, swift, website, phone], metadata, custom, bank_accounts)"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '2h'")
    for function in (FOLD_LETTERS, FOLD):
        op.execute(function)
    _fold_anew()


def _fold_anew() -> None:
    """Computes the generated columns again, in one pass over the table; PostgreSQL rebuilds its indexes with it."""
    op.execute("SET LOCAL maintenance_work_mem = '256MB'")
    op.execute(
        "ALTER TABLE clients ALTER COLUMN name_folded SET EXPRESSION AS (fold(name)),"
        " ALTER COLUMN email_folded SET EXPRESSION AS (fold(email)),"
        f" ALTER COLUMN search_text SET EXPRESSION AS ({SEARCHED})"
    )
    op.execute("ANALYZE clients")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '2h'")
    op.execute(FORMER_FOLD)
    _fold_anew()
    op.execute("DROP FUNCTION fold_letters")
