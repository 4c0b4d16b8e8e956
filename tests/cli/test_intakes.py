from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.answers import COLUMNS, INTAKE, RUN, TABLE
from tests.cli.test_nouns import Lab

if TYPE_CHECKING:
    from pathlib import Path

NAME = "in-0000000001"


def test_a_file_is_sent_as_bytes_after_its_dossier_is_opened(tmp_path: Path) -> None:
    lab, file = Lab(), tmp_path / "demandes.csv"
    file.write_bytes("Âge\n34\n".encode("latin-1") * 200_000)
    words = ["--agency", "rft", "--dataset", "d-2026", "--title", "T", "--purposes", "P"]
    done = lab.run("dataset", "deposit", str(file), *words, "--supervisor", "s.morin")
    assert done.exit_code == 0, done.output
    opened, sent = lab.asked
    assert json.loads(opened.content)["scope"] == "entre-organismes"
    assert opened.headers["idempotency-key"]
    assert sent.content == file.read_bytes()
    assert (sent.method, sent.url.query) == ("PUT", b"name=demandes.csv")
    assert sent.headers["content-type"] == "application/octet-stream"
    assert "Prévoir les délais" in done.output


def test_a_file_that_is_not_there_opens_no_dossier(tmp_path: Path) -> None:
    lab = Lab()
    words = ["--agency", "rft", "--dataset", "d-2026", "--title", "T", "--purposes", "P"]
    gone = str(tmp_path / "rien.csv")
    done = lab.run("dataset", "deposit", gone, *words, "--supervisor", "s.morin")
    assert (done.exit_code, lab.asked) == (2, [])
    (tmp_path / "c.json").write_text("{")
    broken = lab.run("dataset", "confirm", NAME, "--columns", str(tmp_path / "c.json"))
    assert (broken.exit_code, lab.asked) == (2, [])


def test_columns_are_confirmed_as_proposed_and_identifiers_go() -> None:
    lab = Lab()
    assert lab.run("dataset", "confirm", NAME, "--as-proposed", "--yes").exit_code == 0
    sent = lab.sent()["columns"]
    assert [(c["name"], c["role"], c["keep"]) for c in sent] == [
        ("nas", "identifiant", False),
        ("age", "quasi-identifiant", True),
    ]
    assert lab.run("dataset", "confirm", NAME).exit_code == 2


def test_what_is_asked_of_a_treatment_is_what_was_typed(tmp_path: Path) -> None:
    lab = Lab()
    lab.run("dataset", "treat", NAME, "--k", "11", "--suppression", "0.04")
    asked = json.loads(lab.asked[0].content)
    wanted = {"step": "treat", "technique": "k-anonymat", "k": 11, "suppression": 0.04}
    assert asked == wanted
    (tmp_path / "d.json").write_text('{"a": {"kind": "categories", "values": ["x"]}}')
    lab = Lab()
    lab.run("dataset", "treat", NAME, "--epsilon", "1", "--domain", str(tmp_path / "d.json"))
    asked = json.loads(lab.asked[0].content)
    assert (asked["technique"], asked["epsilon"]) == ("synthese", "1")
    assert asked["domain"]["a"]["values"] == ["x"]


def test_a_run_that_fails_says_why_and_ends_with_one() -> None:
    lab = Lab()
    failed = RUN | {"state": "failed", "error_en": "A {brace} in line 3.", "error_fr": "Ligne 3."}
    lab.answers["POST", f"{TABLE}/runs"] = failed
    done = lab.run("dataset", "scan", NAME)
    assert done.exit_code == 1
    assert "A {brace} in line 3." in done.output
    as_json = lab.run("dataset", "scan", NAME, "-o", "json")
    assert json.loads(as_json.stdout.partition("\nlab:")[0])["state"] == "failed"


def test_what_is_signed_is_what_was_read() -> None:
    lab = Lab()
    assert lab.run("dataset", "sign", NAME, "--yes").exit_code == 0
    assert lab.asked[-1].headers["if-match"] == '"3"'
    assert lab.run("dataset", "sign", NAME, input="n\n").exit_code == 1
    assert lab.asked[-1].method == "GET"


def test_what_is_confirmed_of_a_review_is_what_was_read() -> None:
    lab = Lab()
    assert lab.run("dataset", "review", NAME, "--confirm", "--yes").exit_code == 0
    sent = lab.asked[-1]
    assert (sent.method, sent.url.path.rpartition("/")[2]) == ("POST", "review-confirmation")
    assert sent.headers["if-match"] == '"3"'
    assert lab.run("dataset", "review", NAME, "--confirm", input="n\n").exit_code == 1
    assert lab.asked[-1].method == "GET"


@pytest.mark.parametrize("words", ["dossiers", "register", f"columns {NAME}"])
def test_lists_are_tables_or_json(words: str) -> None:
    table = Lab().run("dataset", *words.split())
    assert table.exit_code == 0, table.output
    found = json.loads(Lab().run("dataset", *words.split(), "-o", "json").stdout)
    assert found in ([INTAKE], COLUMNS) or found[0]["supervisor"] == "Sylvie Morin"


def test_a_report_is_saved_where_it_is_wanted_and_said(tmp_path: Path) -> None:
    lab, target = Lab(), tmp_path / "r.html"
    done = lab.run("dataset", "report", NAME, "-f", "html", "-O", str(target))
    assert (done.exit_code, target.read_bytes()) == (0, b"<report.html>")
    assert str(target) in done.output.replace("\n", "")
    assert lab.asked[0].url.query == b"lang=en"
    nowhere = str(tmp_path / "rien" / "r.pdf")
    failed = lab.run("dataset", "report", NAME, "-O", nowhere)
    assert (failed.exit_code, "Traceback" in failed.output) == (2, False)
    assert lab.run("dataset", "report", NAME, "-f", "docx").exit_code == 2


def test_a_card_is_shown_or_saved_and_is_the_latest_versions_unless_one_is_named(
    tmp_path: Path,
) -> None:
    lab = Lab()
    shown = lab.run("dataset", "card", "demandes-prestations")
    assert (shown.exit_code, shown.output) == (0, "<FICHE.md>\n")
    target = tmp_path / "c.json"
    asked = ("dataset", "card", "demandes-prestations@3", "-f", "croissant", "-O", str(target))
    assert lab.run(*asked).exit_code == 0
    assert target.read_bytes() == b"<croissant.json>"
    path = "/api/v1/datasets/demandes-prestations/versions/3/croissant.json"
    assert lab.asked[-1].url.path == path


@pytest.mark.parametrize("move", ["refuse", "withdraw"])
def test_a_dossier_does_not_end_before_one_said_yes(move: str) -> None:
    lab = Lab()
    shown = lab.run("dataset", move, "in-0000000001", "--reason", "Non", input="n\n")
    assert shown.exit_code == 1
    assert lab.asked == []
