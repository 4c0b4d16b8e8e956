from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from lab import grants
from lab.domain import ticket as tickets
from lab.domain.ids import MemberId
from tests.gateway.test_isolation import API2, tracking_facts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.domain.sandbox import Sandbox
    from tests.gateway.conftest import Lab

pytestmark = pytest.mark.real

MEMBER = MemberId("m-0000000001")


def ticket(lab: Lab, sandbox: Sandbox, *, age: int = 0) -> str:
    now = datetime.now(UTC) - timedelta(seconds=age)
    return tickets.issue(lab.key, sandbox_id=sandbox.id, member_id=MEMBER, now=now)


def host(lab: Lab, sandbox: Sandbox) -> str:
    return f"{sandbox.id}.vaseclos.localhost:{lab.port}"


@pytest.fixture
def browser(lab: Lab) -> Iterator[httpx.Client]:
    client = httpx.Client(base_url=f"http://127.0.0.1:{lab.port}", trust_env=False, timeout=30)
    client.headers["Host"] = host(lab, lab.mine)
    with client:
        yield client


def enter(lab: Lab, browser: httpx.Client) -> None:
    answer = browser.get(f"/entrer?jeton={ticket(lab, lab.mine)}")
    assert answer.status_code == 303
    browser.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]


@pytest.fixture(scope="module")
def own(lab: Lab) -> dict[str, str]:
    return tracking_facts(lab, lab.mine, "vu-par-une-personne")


def test_ticket_opens_once_and_for_its_sandbox_only(lab: Lab, browser: httpx.Client) -> None:
    token = ticket(lab, lab.mine)
    first = browser.get(f"/entrer?jeton={token}")
    assert first.status_code == 303
    assert "HttpOnly" in first.headers["Set-Cookie"]
    assert "SameSite=Lax" in first.headers["Set-Cookie"]
    refused = [
        token,
        ticket(lab, lab.other),
        ticket(lab, lab.mine, age=61),
        token[:-2] + "AA",
        "",
        "x" * 5000,
        tickets.issue(
            lab.key,
            sandbox_id=lab.mine.id,
            member_id=MEMBER,
            now=datetime.now(UTC),
            purpose=tickets.Purpose.COOKIE,
        ),
        tickets.issue(b"k" * 32, sandbox_id=lab.mine.id, member_id=MEMBER, now=datetime.now(UTC)),
    ]
    for each in refused:
        assert browser.get(f"/entrer?jeton={each}").status_code == 403, each


def test_cookie_of_one_sandbox_opens_no_other(lab: Lab, browser: httpx.Client) -> None:
    assert browser.get("/").status_code == 401
    enter(lab, browser)
    assert browser.get("/").status_code == 200
    browser.headers["Host"] = host(lab, lab.other)
    assert browser.get("/").status_code == 401


def test_no_grant_no_page_in_two_languages(lab: Lab, browser: httpx.Client) -> None:
    for name in ("sb-ffffffffff.vaseclos.localhost", "127.0.0.1", "vaseclos.localhost", "x.y"):
        browser.headers["Host"] = name
        answer = browser.get("/", headers={"Accept": "text/html"})
        assert answer.status_code == 410
        assert 'lang="fr-CA"' in answer.text
        assert 'lang="en"' in answer.text
    assert lab.port


def test_every_answer_carries_the_policy(
    lab: Lab, browser: httpx.Client, own: dict[str, str]
) -> None:
    paths = ["/", "/none", "/entrer", "/static-files/none.js", f"{API2}/runs/get?run_id=x"]
    before = [browser.get(path) for path in paths]
    enter(lab, browser)
    for answer in [*before, *(browser.get(path) for path in paths)]:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert not re.search(r"https?://(?!vaseclos\.localhost)", policy)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    file = browser.get(f"/get-artifact?run_uuid={own['run']}&path=a.txt")
    assert file.status_code == 200
    assert file.headers["Content-Security-Policy"].startswith("sandbox;")


def test_person_reads_and_renames_but_only_from_the_page_itself(
    lab: Lab, browser: httpx.Client, own: dict[str, str]
) -> None:
    enter(lab, browser)
    ajax = "/ajax-api/2.0/mlflow"
    seen = browser.get(f"{ajax}/runs/get?run_id={own['run']}")
    assert seen.status_code == 200
    change = {"run_id": own["run"], "run_name": "renomme"}
    origin = f"http://{host(lab, lab.mine)}"
    elsewhere = [
        {"Origin": "http://192.0.2.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": f"http://{host(lab, lab.other)}"},
        {"Origin": "null"},
        {},
    ]
    for headers in elsewhere:
        answer = browser.post(f"{ajax}/runs/update", json=change, headers=headers)
        assert answer.status_code == 403, headers
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert browser.post(f"{ajax}/runs/update", json=change, headers=headers).status_code == 200
    refused = [
        ("POST", f"{ajax}/experiments/create", {"name": "x", "artifact_location": "file:///"}),
        ("POST", f"{ajax}/gateway-proxy", {}),
        ("POST", "/ajax-api/3.0/mlflow/webhooks", {}),
        ("GET", f"{ajax}/users/list", None),
        ("GET", "/ajax-api/3.0/mlflow/roles/list", None),
        ("POST", "/ajax-api/3.0/jobs", {}),
        ("GET", f"{API2}/users/list", None),
        ("GET", "/signup", None),
        ("GET", f"/get-artifact?run_uuid={own['run']}&path=../../x", None),
        ("PUT", "/ajax-api/2.0/mlflow-artifacts/artifacts/x", {}),
    ]
    for method, path, body in refused:
        answer = browser.request(method, path, json=body, headers=headers)
        assert answer.status_code == 403, path


def test_graphql_reads_ones_own_only(lab: Lab, browser: httpx.Client, own: dict[str, str]) -> None:
    enter(lab, browser)
    other = tracking_facts(lab, lab.other, "a-quelqu-un-d-autre")
    headers = {"Origin": f"http://{host(lab, lab.mine)}"}
    query = (
        "query GetRun($data: MlflowGetRunInput!) "
        "{ mlflowGetRun(input: $data) { run { info { runName } } } }"
    )

    def ask_graphql(text: str, run: str) -> httpx.Response:
        said = {"operationName": "GetRun", "query": text, "variables": {"data": {"runId": run}}}
        return browser.post("/graphql", json=said, headers=headers)

    seen = ask_graphql(query, own["run"])
    assert "vu-par-une-personne" in seen.text or "renomme" in seen.text, seen.text
    assert "a-quelqu-un-d-autre" not in ask_graphql(query, other["run"]).text
    refused = (
        "query X { __schema { types { name } } }",
        "mutation X { mlflowSearchRuns(input: {}) { runs { info { runName } } } }",
        query + " mutation Y { mlflowSearchRuns(input: {}) { apiError { code } } }",
        query.replace("mlflowGetRun(", "mlflowListArtifacts("),
        "{ test }",
    )
    for text in refused:
        assert ask_graphql(text, own["run"]).status_code == 403, text


def test_page_ends_with_the_grant(lab: Lab, browser: httpx.Client) -> None:
    enter(lab, browser)
    values = lab.grant(lab.mine, grants.TRACKING)
    folder = lab.folder / "grants"
    grants.remove(folder, lab.mine.id, grants.TRACKING)
    try:
        assert browser.get("/").status_code == 410
    finally:
        grants.write(folder, lab.mine.id, grants.TRACKING, values)
    assert browser.get("/").status_code == 200


def test_runs_are_shown_in_a_browser_and_nothing_goes_out(lab: Lab, tmp_path: Path) -> None:
    own = tracking_facts(lab, lab.mine, "vu-dans-un-navigateur")
    sync_api = pytest.importorskip("playwright.sync_api")
    asked: list[str] = []
    errors: list[str] = []
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = chromium.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on(
            "response", lambda r: errors.append(f"{r.status} {r.url}") if r.status >= 400 else 0
        )
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(f"http://{host(lab, lab.mine)}/entrer?jeton={ticket(lab, lab.mine)}")
        page.goto(f"http://{host(lab, lab.mine)}/#/experiments/{own['experiment']}/runs")
        try:
            page.get_by_text("vu-dans-un-navigateur").first.wait_for(timeout=30_000)
            page.screenshot(path=tmp_path / "runs.png")
            run = f"#/experiments/{own['experiment']}/runs/{own['run']}"
            for tab, text in (("", "auc"), ("/model-metrics", "auc"), ("/artifacts", "a.txt")):
                page.goto(f"http://{host(lab, lab.mine)}/{run}{tab}")
                page.get_by_text(text, exact=True).first.wait_for(timeout=30_000)
            page.get_by_text("a.txt", exact=True).first.click()
            page.get_by_text("vu-dans-un-navigateur").nth(1).wait_for(timeout=30_000)
        finally:
            page.screenshot(path=tmp_path / "last.png")
            (tmp_path / "log.txt").write_text("\n".join([*asked, "", *errors]))
        chromium.close()
    assert [error for error in errors if "Content Security Policy" in error] == []
    own_host = f"http://{host(lab, lab.mine)}/"
    assert [url for url in asked if not url.startswith((own_host, "data:", "blob:"))] == []
