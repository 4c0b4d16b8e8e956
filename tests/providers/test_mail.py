"""Against a real SMTP server."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from lab.bootstrap.mail import post_office
from lab.domain.letter import letter_of
from lab.domain.notice import Notice, NoticeKind
from lab.ports import PostError
from lab.settings import Mail, Settings
from tests.conftest import NOON

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from lab.domain.letter import Letter
    from lab.ports import Post

TO = "r.cote@organisme.example"


@dataclass
class Server:
    """Keeps what it takes; answers as it is told to."""

    got: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    users: list[bytes] = field(default_factory=list)
    at_rcpt: str = ""
    at_data: str = "250 OK"
    drops: bool = False
    port: int = 0

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        del server, session
        if self.at_rcpt:
            return self.at_rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- the same
        del session
        if self.drops:
            server.transport.abort()
        self.got.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return self.at_data

    def authenticate(self, *arguments: Any) -> AuthResult:
        data = arguments[-1]
        assert isinstance(data, LoginPassword)
        self.users.append(data.login)
        # Not handled: the server itself says no, as a real one does.
        return AuthResult(success=data.password == b"un secret", handled=False)


@asynccontextmanager
async def running(server: Server, *, tls: ssl.SSLContext | None = None, **options: Any) -> Any:
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTP(server, hostname="mail.example", loop=loop, **options),
        host="127.0.0.1",
        port=0,
        ssl=tls,
    )
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()


def office(folder: Path, **mail: Any) -> Post:
    given = {"host": "127.0.0.1", "security": "none"} | mail if mail else {}
    return post_office(Settings(state_dir=folder, mail=Mail(**given)))


@pytest.fixture
def letter() -> Letter:
    notice = Notice("no-1", "m-1", NoticeKind.RETURNED, "rq-1", "k", NOON)  # type: ignore[arg-type]  # plain ids
    return letter_of(notice, to=TO, url="https://lab.example", zone=ZoneInfo("America/Toronto"))


def read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


async def test_a_mail_reaches_a_real_server_whole(tmp_path: Path, letter: Letter) -> None:
    async with running(Server()) as server:
        await office(tmp_path, port=server.port, sender="labo@organisme.example").send(letter)
    [(sender, to, content)] = server.got
    message = read(content)
    assert (sender, to) == ("labo@organisme.example", [TO])
    assert (
        message["Subject"]
        == "Votre demande est à compléter / Your request must be completed (rq-1)"
    )
    assert message["Message-ID"] == "<no-1@vaseclos.localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    body = message.get_content()
    assert "Référence\u00a0: rq-1" in body
    assert "https://lab.example/demandes/rq-1" in body
    assert "https://lab.example/avis" in body


@pytest.mark.parametrize(
    ("answers", "is_final", "may_have_left"),
    [
        ({"at_rcpt": "550 no such user"}, True, False),
        ({"at_rcpt": "451 try later"}, False, False),
        ({"at_data": "452 full"}, False, False),
        ({"at_data": "554 no"}, True, False),
        ({"drops": True}, False, True),
    ],
)
async def test_what_a_server_says_no_to_is_told_apart(
    tmp_path: Path, letter: Letter, answers: dict[str, Any], is_final: bool, may_have_left: bool
) -> None:
    async with running(Server(**answers)) as server:
        with pytest.raises(PostError) as caught:
            await office(tmp_path, port=server.port).send(letter)
    assert (caught.value.is_final, caught.value.may_have_left) == (is_final, may_have_left)
    assert TO not in str(caught.value)


async def test_nobody_there_is_an_error_that_can_be_tried_again(
    tmp_path: Path, letter: Letter
) -> None:
    async with running(Server()) as server:
        pass
    with pytest.raises(PostError) as caught:
        await office(tmp_path, port=server.port).send(letter)
    assert not caught.value.is_final
    assert not caught.value.may_have_left


async def test_nothing_is_said_in_the_clear_where_tls_is_asked_for(
    tmp_path: Path, letter: Letter
) -> None:
    async with running(Server()) as server:
        with pytest.raises(PostError):
            await office(tmp_path, port=server.port, security="starttls").send(letter)
        assert server.got == []


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    cert, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make one for 127.0.0.1 with the machine's own openssl."""
    import subprocess  # noqa: PLC0415 -- of this one test

    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_password_is_given_over_tls_only_and_a_stranger_gets_none(
    tmp_path: Path,
    letter: Letter,
    certificate: tuple[Path, ssl.SSLContext],
    security: str,
) -> None:
    cert, context = certificate
    (tmp_path / "mot").write_text("un secret\n")
    server = Server()
    options: dict[str, Any] = {"authenticator": server.authenticate}
    options |= (
        {"tls_context": context, "require_starttls": True, "auth_required": True}
        if security == "starttls"
        # TLS from the first byte on: nothing that the server would see as such by itself.
        else {"tls": context, "auth_require_tls": False}
    )
    mail = {"security": security, "username": "labo", "password_file": tmp_path / "mot"}
    async with running(server, **options):
        await office(tmp_path, port=server.port, ca_file=cert, **mail).send(letter)
        assert (len(server.got), server.users) == (1, [b"labo"])
        # Signed by nobody we know: refused before a name is said.
        with pytest.raises(PostError):
            await office(tmp_path, port=server.port, **mail).send(letter)
        assert (len(server.got), server.users) == (1, [b"labo"])
        (tmp_path / "mot").write_text("un autre\n")
        with pytest.raises(PostError) as caught:
            await office(tmp_path, port=server.port, ca_file=cert, **mail).send(letter)
        assert not caught.value.is_final


async def test_by_default_mail_is_kept_in_a_folder_one_file_each(
    tmp_path: Path, letter: Letter
) -> None:
    post = office(tmp_path)
    assert post.is_local
    await asyncio.gather(post.send(letter), post.send(letter))
    [path] = (tmp_path / "courriels").glob("*.eml")
    assert path.stat().st_mode & 0o777 == 0o600
    message = read(path.read_bytes())
    assert message["To"] == TO
    assert "Référence\u00a0: rq-1" in message.get_content()


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "labo"},
        {"username": "labo", "password_file": "x", "security": "none"},
        {"sender": "labo@x\nBcc: y@z"},
        {"host": "a b"},
        {"port": 70_000},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Mail(**wrong)
