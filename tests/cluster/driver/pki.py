"""One certificate authority, keys on elliptic curves, a kubeconfig for each identity."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
from typing import TYPE_CHECKING

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

VALID_FOR = dt.timedelta(days=30)
USAGES = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


class Pki:
    """An authority that lives as long as the cluster: its key is never written down."""

    def __init__(self, folder: Path, *, server: str) -> None:
        self.folder = folder
        self._server = server
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster-ca")])
        authority = self._builder(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self._certificate = self._sign(authority)
        self._write("ca.crt", self._certificate)
        signing = rsa.generate_private_key(65537, 2048)
        self._write("sa.key", _private(signing))
        form = ser.PublicFormat.SubjectPublicKeyInfo
        self._write("sa.pub", signing.public_key().public_bytes(ser.Encoding.PEM, form))

    def issue(self, file: str, user: str, *, group: str = "", names: tuple[str, ...] = ()) -> None:
        """Write FILE.crt, FILE.key and FILE.conf (a kubeconfig)."""
        key = ec.generate_private_key(ec.SECP256R1())
        who = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
        if group:
            who.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
        builder = self._builder(x509.Name(who), key).add_extension(
            x509.ExtendedKeyUsage(USAGES), critical=False
        )
        if names:
            alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        certificate, private = self._sign(builder), _private(key)
        self._write(f"{file}.key", private)
        self._write(f"{file}.crt", certificate)
        cluster = {"server": self._server, "certificate-authority-data": _text(self._certificate)}
        secrets = {
            "client-certificate-data": _text(certificate),
            "client-key-data": _text(private),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": file, "user": secrets}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": file}}],
        }
        self._write(f"{file}.conf", yaml.safe_dump(config).encode())

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return x509.CertificateBuilder(
            self._name,
            subject,
            key.public_key(),
            x509.random_serial_number(),
            now - dt.timedelta(minutes=1),
            now + VALID_FOR,
        )

    def _sign(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self._key, hashes.SHA256()).public_bytes(ser.Encoding.PEM)

    def _write(self, file: str, content: bytes) -> None:
        path = self.folder / file
        path.touch(mode=0o600)
        path.write_bytes(content)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        ser.Encoding.PEM, ser.PrivateFormat.TraditionalOpenSSL, ser.NoEncryption()
    )


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
