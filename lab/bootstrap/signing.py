"""Sign deletion certificates, and check a signature."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.certificate import DeletionCertificate


def canonical(certificate: DeletionCertificate) -> bytes:
    """Write all of a certificate but its signature, always the same way."""
    body = {
        "agency_id": certificate.agency_id,
        "asked_at": certificate.asked_at.isoformat(),
        "completed_at": certificate.completed_at.isoformat(),
        "gone": [
            {
                "kind": gone.kind,
                "name": gone.name,
                "seen_at": gone.seen_at.isoformat(),
                "stage": gone.stage.value,
            }
            for gone in certificate.gone
        ],
        "reason": certificate.reason,
        "request_id": certificate.request_id,
        "sandbox_id": certificate.sandbox_id,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class CertificateSigner:
    """Signs with HMAC-SHA256 and the lab's own key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def sign(self, certificate: DeletionCertificate) -> DeletionCertificate:
        """Return it with its signature."""
        signature = hmac.new(self._key, canonical(certificate), hashlib.sha256).hexdigest()
        return replace(certificate, signature=signature)

    def sign_bytes(self, content: bytes) -> str:
        """Return the signature of a dossier's content; never one that fits a certificate."""
        return hmac.new(self._key, b"intake\0" + content, hashlib.sha256).hexdigest()

    def is_genuine(self, certificate: DeletionCertificate) -> bool:
        """Tell whether the signature fits what the certificate says."""
        return hmac.compare_digest(self.sign(certificate).signature, certificate.signature)
