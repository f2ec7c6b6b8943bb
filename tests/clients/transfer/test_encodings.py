"""Encodings of files: marks, UTF-8, UTF-16 without a mark, and Windows-1252 for the rest."""

import codecs
import io

import pytest

from app.clients.transfer import encodings
from app.clients.transfer.encodings import Encoding, find_encoding, reject_foreign
from app.errors import Malformed

TEXT = "Firma;Ort\r\nMüller & Söhne;Köln\r\nPrešeren;Čakovec\r\n"
WESTERN = TEXT.replace("š", "s").replace("Č", "C")


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), Encoding("utf-8")),
        (b"name\nAna\n", Encoding("utf-8")),
        (b"", Encoding("utf-8")),
        (TEXT.encode("utf-8-sig"), Encoding("utf-8", codecs.BOM_UTF8)),
        (TEXT.encode("utf-16"), Encoding("utf-16-le", codecs.BOM_UTF16_LE)),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), Encoding("utf-16-be", codecs.BOM_UTF16_BE)),
        (TEXT.encode("utf-32"), Encoding("utf-32-le", codecs.BOM_UTF32_LE)),
        (TEXT.encode("utf-16-le"), Encoding("utf-16-le")),
        (TEXT.encode("utf-16-be"), Encoding("utf-16-be")),
        (WESTERN.encode("latin-1"), Encoding("cp1252", assumed=True)),
        ("Preis;5 €\n".encode("cp1252"), Encoding("cp1252", assumed=True)),
        ("Žiga Čebela\n".encode("cp1250"), Encoding("cp1250", assumed=True)),
        ("Žiga\n".encode("cp1252") + b"\x83", Encoding("cp1252", assumed=True)),
        (b"name\nA\x00na\n", Encoding("utf-8")),
    ],
)
@pytest.mark.parametrize("chunk", [3, 1024])
def test_an_encoding_is_found(data: bytes, encoding: Encoding, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "CHUNK", chunk)
    assert find_encoding(io.BytesIO(data)) == encoding


def test_a_letter_at_the_end_of_a_long_file_counts() -> None:
    """The whole file is read, not a sample."""
    assert find_encoding(io.BytesIO(b"x" * 3_000_000 + b"\xe9")).assumed
    assert not find_encoding(io.BytesIO(b"x" * 3_000_000 + b"\xc3\xa9")).assumed


def test_a_chosen_encoding_holds_and_wrong_ones_are_errors() -> None:
    data = TEXT.replace("ü", "u").encode("cp1250")
    assert find_encoding(io.BytesIO(data), "windows-1250") == Encoding("cp1250")
    assert find_encoding(io.BytesIO(TEXT.encode("utf-8-sig")), "utf8") == Encoding("utf-8", codecs.BOM_UTF8)
    assert find_encoding(io.BytesIO(TEXT.encode("utf-16")), "UTF-16") == Encoding("utf-16-le", codecs.BOM_UTF16_LE)
    with pytest.raises(Malformed, match=r"Line 2 of the file is not utf-8\. Name the encoding"):
        find_encoding(io.BytesIO(WESTERN.encode("latin-1")), "utf-8")
    with pytest.raises(Malformed, match=r"not UTF-8, UTF-16 or Windows-1252\. Name it with --encoding"):
        find_encoding(io.BytesIO(b"name\nA\x81\xff\n"))
    for name in ("klingon", "hex", "rot13", "", "\x00", "x" * 5000):
        with pytest.raises(Malformed, match=r"is not an encoding\. Examples are utf-8"):
            find_encoding(io.BytesIO(b"name"), name)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (
            b"PK\x03\x04",
            "a spreadsheet such as .xlsx or .ods, or an archive. Open it in your spreadsheet software and save",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "the old format .xls. Open it in your spreadsheet software and save it as CSV",
        ),
        (b"%PDF-1.7", "a PDF. Export the table as CSV"),
        (b"\x1f\x8b\x08", "compressed with gzip. Decompress it first"),
    ],
)
def test_a_file_that_is_not_text_is_an_error_with_the_next_step(start: bytes, message: str) -> None:
    with pytest.raises(Malformed) as error:
        reject_foreign(io.BytesIO(start + b"\x00" * 50))
    assert message in error.value.message
