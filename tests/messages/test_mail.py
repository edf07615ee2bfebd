"""A message as mail: HTML to read, text beside it, by a real mail server on loopback."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

pytest.importorskip("apprise", reason="the extra `messages` is not installed")

from pipeline.messages.services import html, send, service

BODY = (
    "最新发布 2 · 更新 0\n待补 2601.00003v1（summarize）：a < b\n\n"
    "1. A Title ＜b＞ & more\n该论文属于语音增强任务。\nhttps://arxiv.org/abs/2601.00001\n\n"
    "全文：https://example.org/digest/2026-01-07/audio.html"
)


class Mailbox(socketserver.ThreadingTCPServer):
    """Takes every mail."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[EmailMessage] = []


class _Session(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines: list[bytes] = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line)
                mail = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                assert isinstance(mail, EmailMessage)
                self.server.mails.append(mail)
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # apprise's, of Python 3.11
def test_a_mail_has_the_list_as_html_and_as_text(mailbox: Mailbox) -> None:
    port = mailbox.server_address[1]
    to = service(f"mailto://127.0.0.1:{port}?mode=insecure&from=a@example.org&to=b@example.org")
    assert to is not None
    assert send(to, "简介 音频 2026-01-07：2 篇", BODY) == ""
    (mail,) = mailbox.mails
    assert "简介 音频 2026-01-07：2 篇" in str(mail["subject"])
    page, plain = (mail.get_body((kind,)) for kind in ("html", "plain"))
    assert page is not None and plain is not None
    shown = page.get_content()
    assert '<a href="https://arxiv.org/abs/2601.00001">A Title ＜b＞ &amp; more</a>' in shown
    assert shown.index("该论文属于语音增强任务。") < shown.index("A Title")
    assert "该论文属于语音增强任务。" in plain.get_content()


def test_html_has_no_markup_of_strangers() -> None:
    made = html(BODY.replace("A Title", '"><script>x</script>'))
    assert "<script>" not in made and "a &lt; b" in made
    assert '<a href="https://example.org/digest/2026-01-07/audio.html">' in made
    assert html("a\nb").count("<br>") == 1
