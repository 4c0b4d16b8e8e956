"""AWS Signature Version 4 for a GET without a query. Standard library only."""

# run by its path, in the image

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Signer:
    """Signs with one key.

    Attributes:
        access_key: Names the key.
        secret_key: Never leaves this process.
        region: As the store is told.
    """

    access_key: str
    secret_key: str
    region: str

    def headers(self, authority: str, path: str, now: datetime | None = None) -> dict[str, str]:
        """Return the headers of one GET.

        Args:
            authority: Host and port, as in the ``Host`` header.
            path: Percent-encoded as it is sent.
            now: UTC; the clock's where it is not given.
        """
        at = (now or datetime.now(tz=UTC)).strftime("%Y%m%dT%H%M%SZ")
        signed = {"host": authority, "x-amz-content-sha256": EMPTY, "x-amz-date": at}
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        request = f"GET\n{path}\n\n{lines}\n{names}\n{EMPTY}"
        scope = f"{at[:8]}/{self.region}/s3/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{digest}"
        signature = hmac.new(self._key(at[:8]), to_sign.encode(), hashlib.sha256).hexdigest()
        return signed | {
            "Authorization": (
                f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
                f"SignedHeaders={names}, Signature={signature}"
            )
        }

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret_key}".encode()
        for part in (day, self.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key
