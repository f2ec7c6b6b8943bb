"""Mails as files."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.mail.files import FileMailer
from app.mail.mailer import Undelivered
from tests.mail.conftest import mailbox_of, make_mail, parse_mail

NAME = "2026-03-04T05-06-07-089Z-65f0000000000000000000aa.eml"


async def test_a_mail_becomes_a_file_that_mail_programs_read(tmp_path: Path) -> None:
    folder = tmp_path / "a b" / "mail"
    await FileMailer(folder).send(make_mail())
    (file,) = folder.iterdir()
    assert file.name == NAME
    mail = parse_mail(file.read_bytes())
    assert mailbox_of(mail, "From") == ("Čebelica d.o.o. via mailer.example.com", "reminders@mailer.example.com")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


async def test_only_the_owner_can_read_folder_and_files(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    await FileMailer(folder).send(make_mail())
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600


async def test_names_sort_by_time_and_a_repeated_attempt_replaces_its_file(tmp_path: Path) -> None:
    mail = make_mail()
    later = replace(mail, id="000000000000000000000000", created_at=mail.created_at + timedelta(milliseconds=1))
    for sent in (later, mail, mail):
        await FileMailer(tmp_path).send(sent)
    assert [name[-28:-4] for name in sorted(os.listdir(tmp_path))] == [mail.id, later.id]


async def test_a_folder_that_cannot_be_created_is_undelivered(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file, no folder")
    with pytest.raises(Undelivered, match="cannot write"):
        await FileMailer(tmp_path / "mail").send(make_mail())
