from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from lab.cli import app, screen
from lab.cli.api import Reach
from tests.cli.answers import AGENCY, ANSWERS, ASK, BOX, DRAFTS, PROOF, ROOT, USAGE, sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

ENGLISH = {"LANG": "C", "LC_ALL": "C", "COLUMNS": "200"}
PAPERS = (".pdf", ".html", ".md", ".jsonld", "datapackage.json", "croissant.json", "dcat.json")
"""What is saved as it comes, and not read."""


class Lab:
    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answers = ANSWERS | DRAFTS

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        found = self.answers.get((request.method, request.url.path), KeyError)
        if isinstance(found, httpx.Response):
            return found
        if request.url.path.endswith(PAPERS):
            return paper(request.url.path.rpartition("/")[2])
        if found is KeyError:
            return problem(404, "not_found", "There is nothing here.")
        return httpx.Response(200, json=found, headers={"ETag": '"3"'})

    def run(self, *arguments: str, **options: Any) -> Result:
        reach = Reach("http://lab.invalid", "token", httpx.MockTransport(self))
        return CliRunner().invoke(app, list(arguments), obj=reach, env=ENGLISH, **options)

    def sent(self) -> Any:
        return json.loads(self.asked[-1].content)


def problem(status: int, code: str, detail: str, **more: object) -> httpx.Response:
    body = {"type": "/", "code": code, "title": code, "status": status, "detail": detail} | more
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})


def paper(name: str) -> httpx.Response:
    return httpx.Response(200, content=f"<{name}>".encode())


EVERY = [
    "request list --mine --second --waiting-days 3 --agency rft --data-class anonymise",
    "request show rq-0000000001",
    "request file --agency rft --purpose Essai --dataset demandes-prestations --wait",
    "request approve rq-0000000001 --wait --version 2",
    "request return rq-0000000001 --question Pourquoi --question Quand",
    "request answer rq-0000000001 --answer Oui --version 2",
    "request messages rq-0000000001",
    "request say rq-0000000001 --text Merci",
    "notice list --unread",
    "request reject rq-0000000001 --reason Non",
    "request withdraw rq-0000000001 --yes",
    "sandbox list",
    "sandbox show sb-0000000001",
    "sandbox wait sb-0000000001",
    "sandbox delete sb-0000000001 --yes",
    "sandbox open sb-0000000001",
    "sandbox attempts sb-0000000001",
    "sandbox proof sb-0000000001",
    "sandbox certificate sb-0000000001",
    "quota show rft",
    "quota set rft --cpu 4 --memory 8Gi --sandboxes 2",
    "quota set rft --cpu-hours 500 --gpu-hours none",
    "quota set rft --person demandeur --sandboxes 1",
    "quota set rft --person demandeur --no-limits",
    "quota show rft --person demandeur",
    "quota people rft",
    "usage",
    "usage rft --month 2026-11",
    "agency list",
    "agency create rft --name-fr Régie --name-en Board",
    "dataset list",
    "dataset show demandes-prestations",
    "dataset refuse in-0000000001 --reason Non --yes",
    "dataset withdraw in-0000000001 --reason Non --yes",
    "user list --agency rft",
    "user create demandeur --name Camille --agency rft --role requester",
    "user link demandeur",
    "user deactivate demandeur --yes",
    "user activate demandeur",
    "audit search --who demandeur --action request --outcome done",
    "audit verify",
]


@pytest.mark.parametrize("line", EVERY)
def test_every_command_writes_a_table_for_people_and_json_for_programs(line: str) -> None:
    shown = Lab().run(*line.split())
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.strip()
    machine = Lab().run(*line.split(), "-o", "json")
    assert machine.exit_code == 0, machine.output
    assert json.loads(machine.stdout) is not None


def test_a_quota_changes_only_where_it_was_told_and_only_if_nobody_was_faster() -> None:
    lab = Lab()
    assert lab.run("quota", "set", "rft", "--cpu", "500m", "--gpu", "1").exit_code == 0
    assert lab.sent()["quota"] == USAGE | {"cpu_millicores": 500, "gpu_count": 1}
    assert lab.asked[-1].headers["if-match"] == '"3"'


def test_a_refusal_is_one_line_with_its_code_and_exit_code_1() -> None:
    lab = Lab()
    lab.answers["POST", f"{ASK}/approve"] = problem(403, "forbidden", "You may not decide.")
    done = lab.run("request", "approve", "rq-0000000001")
    assert done.exit_code == 1
    assert done.stderr == "lab: You may not decide. [forbidden]\n"
    assert done.stdout == ""


def test_every_wrong_field_is_named() -> None:
    lab = Lab()
    errors = [{"field": "size", "code": "unknown", "detail": "no such size"}]
    wrong = problem(422, "invalid", "Nothing was kept.", errors=errors)
    lab.answers["POST", f"{ROOT}/requests"] = wrong
    line = "request file --agency rft --purpose x --dataset y"
    assert lab.run(*line.split()).stderr == (
        "lab: Nothing was kept. size: no such size [invalid]\n"
    )


def silent(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody", request=request)


def behind(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(502, text="<html>")


def other(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(404, text="<html>")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (silent, "is it up?"),
        (behind, "does not answer behind http://lab.invalid (HTTP 502); try again"),
        (other, "what answers at http://lab.invalid is not the lab (HTTP 404)"),
    ],
)
def test_a_lab_that_cannot_be_reached_is_exit_code_3(
    answer: Callable[[httpx.Request], httpx.Response], says: str
) -> None:
    reach = Reach("http://lab.invalid", "token", httpx.MockTransport(answer))
    done = CliRunner().invoke(app, ["agency", "list"], obj=reach, env=ENGLISH)
    assert done.exit_code == 3
    assert done.stderr.startswith("lab: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_wrong_usage_is_exit_code_2_and_asks_nothing_of_the_lab() -> None:
    for line in ("quota set rft --cpu much", "quota set rft", "user create x", "request nothing"):
        lab = Lab()
        assert lab.run(*line.split()).exit_code == 2, line
        assert lab.asked == []


def test_what_loses_data_is_asked_first() -> None:
    lab = Lab()
    done = lab.run("sandbox", "delete", "sb-0000000001", input="n\n")
    assert done.exit_code == 1
    assert lab.asked == []
    assert lab.run("sandbox", "delete", "sb-0000000001", input="y\n").exit_code == 0
    assert lab.asked[-1].method == "DELETE"


def test_waiting_ends_when_the_sandbox_goes_the_other_way() -> None:
    lab = Lab()
    lab.answers["GET", BOX] = sandbox("deleting", "absent")
    done = lab.run("sandbox", "wait", "sb-0000000001")
    assert done.exit_code == 1
    assert "is deleting" in done.stderr


def test_what_people_typed_is_neither_markup_nor_a_control_character() -> None:
    shown = Lab().run("request", "show", "rq-0000000001").stdout
    assert "[bold]gras[/bold]" in shown
    assert "\x1b" not in shown


def test_no_break_spaces_of_french_are_shown_as_they_are() -> None:
    assert screen.clean("Limite\N{NO-BREAK SPACE}: 2") == "Limite\N{NO-BREAK SPACE}: 2"
    assert screen.clean("a\x00b\u202ec") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"


def test_a_proof_that_does_not_hold_is_exit_code_1() -> None:
    lab = Lab()
    lab.answers["GET", f"{BOX}/proof"] = PROOF | {"holds": False}
    assert lab.run("sandbox", "proof", "sb-0000000001").exit_code == 1


def test_a_password_is_read_from_standard_input_and_never_shown() -> None:
    lab = Lab()
    done = lab.run("user", "password", "demandeur", input="un long mot de passe\n")
    assert done.exit_code == 0
    assert lab.sent() == {"password": "un long mot de passe"}
    assert "un long" not in done.output


def test_every_post_that_makes_something_carries_a_key() -> None:
    for line in EVERY:
        lab = Lab()
        lab.run(*line.split())
        made = [r for r in lab.asked if (r.method, r.url.path.count("/")) == ("POST", 3)]
        assert all(request.headers.get("idempotency-key") for request in made), line


def test_lists_are_read_to_their_end() -> None:
    lab = Lab()

    def parts(request: httpx.Request) -> httpx.Response:
        after = request.url.params.get("after", "")
        return httpx.Response(200, json={"items": [AGENCY], "next": "" if after else "more"})

    reach = Reach("http://lab.invalid", "token", httpx.MockTransport(parts))
    done = CliRunner().invoke(app, ["agency", "list", "-o", "json"], obj=reach, env=ENGLISH)
    assert len(json.loads(done.stdout)) == 2
    assert lab.asked == []
