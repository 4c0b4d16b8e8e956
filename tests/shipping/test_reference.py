from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.shipping import reference
from lab.shipping.errors import BadReferenceError

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag", "digest"),
    [
        ("r.example.org/lab", "r.example.org", "lab", "", ""),
        ("r.example.org:5000/a/b:v1", "r.example.org:5000", "a/b", "v1", ""),
        (f"192.0.2.1:5000/vase-clos/lab@{DIGEST}", "192.0.2.1:5000", "vase-clos/lab", "", DIGEST),
        (f"localhost/a__b/c-d.e:1@{DIGEST}", "localhost", "a__b/c-d.e", "1", DIGEST),
        ("[fd00::1]:5000/lab", "[fd00::1]:5000", "lab", "", ""),
    ],
)
def test_a_reference_is_read_and_written_back(
    text: str, registry: str, path: str, tag: str, digest: str
) -> None:
    found = reference.parse(text)
    assert (found.registry, found.path, found.tag, found.digest) == (registry, path, tag, digest)
    assert str(found) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lab",
        "vase-clos/lab",  # no registry: an engine would look on the internet
        "r.example.org/",
        "r.example.org/Lab",
        "r.example.org/lab:",
        "r.example.org/lab@sha256:abc",
        "r.example.org/lab@md5:" + "0" * 32,
        "https://r.example.org/lab",
        "r.example.org/lab;rm",
        "r.example.org/a//b",
        "r.example.org/lab\n",
    ],
)
def test_what_names_no_registry_or_image_is_refused(text: str) -> None:
    with pytest.raises(BadReferenceError):
        reference.parse(text)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("r.example.org", "r.example.org"),
        ("https://r.example.org/lab/", "r.example.org/lab"),
        ("http://192.0.2.1:5000", "192.0.2.1:5000"),
        ("localhost:5000", "localhost:5000"),
    ],
)
def test_a_registry_is_read_as_people_write_it(text: str, clean: str) -> None:
    assert reference.registry(text) == clean


@pytest.mark.parametrize("text", ["", "lab", "r.example.org/Lab", "r.example.org x", "-x.org"])
def test_what_is_no_registry_is_refused(text: str) -> None:
    with pytest.raises(BadReferenceError):
        reference.registry(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_never_changed(text: str) -> None:
    try:
        found = reference.parse(text)
    except BadReferenceError:
        return
    assert str(found) == text


def test_local_and_remote_names_carry_the_content() -> None:
    content = "ab" * 32
    assert reference.local("lab", content) == "vase-clos/lab:abababababababab"
    remote = reference.remote("r.example.org/x", "lab", content)
    assert str(remote) == "r.example.org/x/vase-clos/lab:abababababababab"
