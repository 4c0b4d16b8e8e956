from __future__ import annotations

import json
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from lab.shipping import sbom
from lab.shipping.gobinary import Module, from_bytes
from lab.shipping.locked import Requirement
from lab.shipping.sbom import DebianPackage

CONTENT = "ab" * 32
STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+deb12u10
Description: the library
 that everything needs

Package: removed
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2025b-0+deb12u2
"""


def made() -> str:
    return sbom.describe(
        "lab",
        CONTENT,
        python=[Requirement("fastapi", "0.1", ("sha256:aa",))],
        debian=sbom.debian_packages(STATUS),
        go=[Module("github.com/traefik/traefik/v3", "v3.7.1"), Module("stdlib", "1.26")],
    )


def test_only_installed_debian_packages_count() -> None:
    assert sbom.debian_packages(STATUS) == (
        DebianPackage("libc6", "2.36-9+deb12u10", "amd64", "glibc"),
        DebianPackage("tzdata", "2025b-0+deb12u2", "all", "tzdata"),
    )
    assert sbom.debian_packages("") == ()


def test_a_bill_of_materials_is_valid_and_names_every_part() -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made()) is None
    content: dict[str, Any] = json.loads(made())
    assert {part["purl"] for part in content["components"]} == {
        "pkg:pypi/fastapi@0.1",
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12&upstream=glibc",
        "pkg:deb/debian/tzdata@2025b-0%2Bdeb12u2?arch=all&distro=debian-12&upstream=tzdata",
        "pkg:golang/github.com/traefik/traefik/v3@v3.7.1",
        "pkg:golang/stdlib@1.26",
    }
    assert content["metadata"]["component"]["name"] == "vase-clos/lab"
    assert CONTENT in made()


def test_the_same_content_has_the_same_serial_number_and_another_has_another() -> None:
    serial = json.loads(made())["serialNumber"]
    assert json.loads(made())["serialNumber"] == serial
    assert json.loads(sbom.describe("lab", "cd" * 32))["serialNumber"] != serial


def test_an_image_with_nothing_in_it_is_valid_too() -> None:
    text = sbom.describe("minio", CONTENT)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def go_program(modules: str, toolchain: str = "go1.26.1 X:nocoverage") -> bytes:
    def text(value: bytes) -> bytes:
        length, size = len(value), b""
        while length >= 0x80:
            size += bytes([length & 0x7F | 0x80])
            length >>= 7
        return size + bytes([length]) + value

    head = b"\xff Go buildinf:" + bytes([8, 2])
    body = b"#" * 16 + modules.encode() + b"#" * 16
    return b"\x7fELF....." + head.ljust(32, b"\0") + text(toolchain.encode()) + text(body)


def test_the_modules_of_a_go_program_are_read_with_what_stands_in_for_them() -> None:
    lines = "\n".join((
        "path\texample.org/tool",
        "mod\texample.org/tool\tv1.0.0\th1:x=",
        "dep\texample.org/old\tv0.1.0",
        "=>\texample.org/fork\tv0.1.1\th1:y=",
        "dep\texample.org/local\tv0.0.0",
        "=>\t./local\t(devel)",
        f"dep\texample.org/{'long' * 40}\tv2.0.0\th1:z=",
        "build\t-trimpath=true",
    ))
    assert from_bytes(go_program(lines)) == (
        Module("example.org/fork", "v0.1.1"),
        Module("example.org/" + "long" * 40, "v2.0.0"),
        Module("example.org/tool", "v1.0.0"),
        Module("stdlib", "1.26.1"),
    )


def test_what_is_no_go_program_has_no_modules() -> None:
    assert from_bytes(b"") == ()
    assert from_bytes(b"\x7fELF" + b"\0" * 100) == ()
