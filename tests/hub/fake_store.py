"""A storage door in small: what is there, to whoever signed with the right key."""

from __future__ import annotations

import hashlib
from typing import Any

from aiohttp import web
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEYS = {"AWS_ACCESS_KEY_ID": "porte", "AWS_SECRET_ACCESS_KEY": "secret-de-porte"}


def dataset(name: str, version: int, file: str, content: bytes) -> dict[str, Any]:
    """Describe a version of one file, as a launch order does."""
    digest = hashlib.sha256(content).hexdigest()
    found = {"name": file, "size": len(content), "sha256": digest}
    return {"id": name, "version": version, "files": [found]}


class Store:
    """What is there, and what was asked for.

    Attributes:
        closed_for: How many requests are refused first, as by a door that opens late.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.objects: dict[str, bytes] = {}
        self.closed_for = 0
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if self.closed_for:
            self.closed_for -= 1
            return web.Response(status=403)
        url = f"http://{request.host}{request.raw_path}"
        signed = AWSRequest("GET", url, headers={})
        signed.context["timestamp"] = request.headers["X-Amz-Date"]
        signed.headers["X-Amz-Date"] = request.headers["X-Amz-Date"]
        signed.headers["X-Amz-Content-SHA256"] = request.headers["X-Amz-Content-SHA256"]
        auth = S3SigV4Auth(
            Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"]),
            "s3",
            "us-east-1",
        )
        expected = auth.signature(
            auth.string_to_sign(signed, auth.canonical_request(signed)), signed
        )
        if expected not in request.headers["Authorization"]:
            return web.Response(status=403)
        body = self.objects.get(request.path)
        return web.Response(status=404) if body is None else web.Response(body=body)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{tail:.*}", self.answer)
        return app
