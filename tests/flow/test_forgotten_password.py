"""From "I forgot" to signed in: a real server, a real mail server, and the link in the mail."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from tests.contract.people import open_office

from entrepot.testing.mail import PASSWORD as MAIL_PASSWORD
from entrepot.testing.mail import running_mail_server

NEXT = "NewPass5678!"


def test_a_link_comes_by_mail_and_leads_back_in(tmp_path: Path) -> None:
    with running_mail_server(tmp_path) as mailbox, open_office(tmp_path) as office:
        section = {"app_url": office.server.url, "email": mailbox.settings()}
        assert office.admin.patch("/settings", json=section).status_code == 200
        name = office.hire(role="uploader", email="rita@example.org")
        with office.session(name) as old:
            assert old.get("/auth/me").status_code == 200
            for asked in ("nobody-of-this-name", name):
                answer = httpx2.post(f"{office.server.url}/auth/forgot-password", json={"username": asked})
                assert answer.status_code == 200
            (mail,) = mailbox.wait(1)
            assert mailbox.recipients == [["rita@example.org"]]
            link = re.search(r"\S+#token=\S+", mail.get_content())
            assert link is not None
            where = urlsplit(link[0])
            assert f"{where.scheme}://{where.netloc}" == office.server.url
            page = httpx2.get(link[0])
            assert (page.status_code, "New password" in page.text) == (200, True)
            token = where.fragment.removeprefix("token=")
            fields = {"token": token, "new_password": NEXT, "again": NEXT}
            done = httpx2.post(f"{office.server.url}/reset-password/form", data=fields)
            assert (done.status_code, "is changed" in done.text) == (200, True)
            assert old.get("/auth/me").status_code == 401
        assert office.sign_in(name).status_code == 401
        with office.session(name, NEXT) as again:
            assert again.get("/auth/me").json()["username"] == name
        assert httpx2.post(f"{office.server.url}/reset-password/form", data=fields).status_code == 400
        log = office.server.log.read_text(errors="replace")
        assert not any(secret in log for secret in (token, NEXT, MAIL_PASSWORD))
        assert len(mailbox.received) == 1
