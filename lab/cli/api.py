"""The lab's HTTP API, as the command speaks to it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from lab.cli.words import is_french
from lab.parts.message import Message, message
from lab.parts.vault import OPERATOR_TOKEN
from lab.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import typer

_TIMEOUT_S = 30.0
_LONG_TIMEOUT_S = 600.0
"""Between two signs of life, while a large file goes up."""
_BEHIND = frozenset({502, 503, 504})
"""What a front says whose lab is away."""
_LARGEST_PAGE = 200


class Refused(Exception):  # noqa: N818  # the lab's answer, not a fault of ours
    """The lab refused, in its own words.

    Attributes:
        code: Stable, for example ``quota_exceeded``.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(document.get("code", "unknown"))
        self.document = document
        lines = [str(document.get("detail") or document.get("title") or status)]
        lines += [f"{e.get('field')}: {e.get('detail')}" for e in document.get("errors", [])]
        # Of a change that came too late: what was done instead.
        lines += [
            f"{e.get('what')} {e.get('by')} {e.get('at')}" for e in document.get("changed", [])
        ]
        super().__init__(f"{' '.join(lines)} [{self.code}]")


class Unreachable(Exception):  # noqa: N818  # the same
    """Nobody answers where the lab should be, or what answers is no lab."""

    def __init__(self, sentence: Message) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Reach:
    """How the lab is reached; tests give their own as the context's object.

    Attributes:
        transport: Instead of the network.
    """

    url: str
    token: str
    transport: httpx.BaseTransport | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the lab answered.

    Attributes:
        etag: To send back with a change; empty where there is none.
    """

    body: Any
    etag: str
    location: str


class Api:
    """The API at one address, as one person."""

    def __init__(self, reach: Reach) -> None:
        self._url = reach.url
        address, host = _found(reach.url)
        self._client = httpx.Client(
            base_url=address,
            transport=reach.transport,
            timeout=_TIMEOUT_S,
            trust_env=False,
            headers={
                "Authorization": f"Bearer {reach.token}",
                "Accept": "application/json",
                "Accept-Language": "fr" if is_french() else "en",
                **host,
            },
        )

    def get(self, path: str, **query: object) -> Any:
        """Return what is there."""
        return self.call("GET", path, query=query).body

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask the lab.

        Raises:
            Refused: The lab said no.
            Unreachable: It did not say anything that we understand.
        """
        asked = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in (query or {}).items()
            if value not in {None, ""}
        }
        try:
            response = self._client.request(
                method, path, json=body, params=asked, headers=dict(headers or {})
            )
        except httpx.HTTPError as error:
            raise self._silent(error) from error
        return self._answer(response)

    def send(self, path: str, chunks: Iterator[bytes], *, query: Mapping[str, str]) -> Answer:
        """Put bytes of any number, as they are read.

        Raises:
            Refused: The lab said no.
            Unreachable: It did not say anything that we understand.
        """
        try:
            response = self._client.put(
                path,
                content=chunks,
                params=dict(query),
                headers={"Content-Type": "application/octet-stream"},
                timeout=_LONG_TIMEOUT_S,
            )
        except httpx.HTTPError as error:
            raise self._silent(error) from error
        return self._answer(response)

    def text(self, path: str, **query: str) -> str:
        """Return what is there, when it is no JSON.

        Raises:
            Refused: The lab said no.
            Unreachable: It did not say anything that we understand.
        """
        return self._there(path, query).text

    def content(self, path: str, **query: str) -> bytes:
        """Return the bytes that are there.

        Raises:
            Refused: The lab said no.
            Unreachable: It did not say anything that we understand.
        """
        return self._there(path, query).content

    def stream(self, path: str, **query: str) -> Iterator[bytes]:
        """Yield the bytes that are there, of any number, as they come.

        Raises:
            Refused: The lab said no.
            Unreachable: It did not say anything that we understand, or broke off.
        """
        try:
            with self._client.stream(
                "GET", path, params=query, timeout=_LONG_TIMEOUT_S
            ) as response:
                if not response.is_success:
                    response.read()
                    self._answer(response)
                yield from response.iter_bytes()
        except httpx.HTTPError as error:
            raise self._silent(error) from error

    def _there(self, path: str, query: Mapping[str, str]) -> httpx.Response:
        try:
            response = self._client.get(path, params={n: v for n, v in query.items() if v})
        except httpx.HTTPError as error:
            raise self._silent(error) from error
        if not response.is_success:
            self._answer(response)
        return response

    def pages(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """Yield every item of a list, part by part."""
        after = ""
        while True:
            body = self.get(path, **query, after=after)
            yield from body["items"]
            after = str(body.get("next") or "")
            if not after:
                return

    def _silent(self, error: httpx.HTTPError) -> Unreachable:
        return Unreachable(
            message(
                "the lab does not answer at {url} ({why}); is it up? See 'lab status'.",
                url=self._url,
                why=str(error) or type(error).__name__,
            )
        )

    def _answer(self, response: httpx.Response) -> Answer:
        is_json = "json" in response.headers.get("content-type", "")
        try:
            body = response.json() if is_json else None
        except ValueError:
            is_json = False
            body = None
        if response.is_success:
            headers = response.headers
            return Answer(body, headers.get("etag", ""), headers.get("location", ""))
        if is_json and isinstance(body, dict) and response.is_error:
            raise Refused(response.status_code, body)
        if response.status_code in _BEHIND:
            raise Unreachable(
                message(
                    "the lab does not answer behind {url} (HTTP {status}); try again in a minute",
                    url=self._url,
                    status=response.status_code,
                )
            )
        raise Unreachable(
            message(
                "what answers at {url} is not the lab (HTTP {status})",
                url=self._url,
                status=response.status_code,
            )
        )


def connect(context: typer.Context) -> Api:
    """Return the API of the lab that the environment and the settings name."""
    given = context.find_root().obj
    return Api(given if isinstance(given, Reach) else _reach())


def _reach() -> Reach:
    settings = Settings()
    url = os.environ.get("LAB_URL") or settings.api_url
    token = os.environ.get("LAB_TOKEN", "")
    if not token:
        try:
            token = settings.secret(OPERATOR_TOKEN)
        except OSError as error:
            raise Unreachable(
                message(
                    "there is no operator's token at {path}; run 'lab up', or set LAB_TOKEN",
                    path=settings.secrets_dir / OPERATOR_TOKEN,
                )
            ) from error
    return Reach(url.rstrip("/"), token)


def _found(url: str) -> tuple[str, dict[str, str]]:
    """Return where to connect, and the ``Host`` header that this needs.

    A name under ``localhost`` is this machine (RFC 6761, section 6.3), and not every
    machine's resolver knows that.
    """
    parts = httpx.URL(url)
    if not parts.host.endswith(".localhost"):
        return url, {}
    return str(parts.copy_with(host="127.0.0.1")), {"Host": parts.netloc.decode("ascii")}
