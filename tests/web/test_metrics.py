from __future__ import annotations

import asyncio
import json
import logging
import re
import shutil
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from lab.domain.agency import Usage
from lab.domain.errors import NotFoundError
from lab.domain.hours import THRESHOLDS, Budget, Span
from lab.domain.ids import AgencyId
from lab.domain.quantity import GIB, Resources
from lab.logs import FIELDS, REQUEST_ID, JsonFormatter
from lab.settings import CHECKOUT
from lab.web.app import create_app
from tests.web.conftest import SECRETS, build_lab, settings_in
from tests.web.live import free_port, served
from tests.web.scenes import failing_sandbox, ready_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.ids import SandboxId
    from tests.conftest import FixedClock
    from tests.web.conftest import Users, WebLab

TOKEN = {"Authorization": f"Bearer {SECRETS['metrics-token']}"}
DASHBOARD = CHECKOUT / "docs" / "grafana" / "vase-clos.json"


def values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_figures_are_for_who_has_the_token_of_monitoring(users: Users) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}):
        assert (await users.nobody(**headers).get("/metrics")).status_code == 401
    operator = await users.api("o.lavoie")
    assert (await operator.get("/metrics")).status_code == 401
    answer = await users.nobody(**TOKEN).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_figures_say_what_there_is_and_name_nobody(users: Users, lab: WebLab) -> None:
    ready = await ready_sandbox(lab)
    failing = await failing_sandbox(lab, "c.roy")
    client = await users.browser("a.tremblay")
    await client.get(f"/bacs/{ready}")
    await client.get("/bacs/inconnu")
    await client.get("/a.tremblay/nulle-part")
    await client.client.request("BREW", "/bacs")
    text = (await users.nobody(**TOKEN).get("/metrics")).text
    found = values(text)
    assert found["vaseclos_sandboxes", "ready"] == 1
    assert found["vaseclos_sandboxes", "pending"] == 1
    assert found["vaseclos_stages_failing", "provider_failed", "data"] == 1
    assert found["vaseclos_quota_limit", "rft", "cpu_cores"] == 4
    assert found["vaseclos_quota_held", "rft", "sandboxes"] == 1
    assert found["vaseclos_sandboxes_uncontained",] == 0
    assert found["vaseclos_http_requests_total", "GET", "/bacs/{sandbox_id}", "200"] == 1
    assert found["vaseclos_http_requests_total", "GET", "/bacs/{sandbox_id}", "404"] == 1
    assert found["vaseclos_http_requests_total", "GET", "none", "404"] == 1
    assert found["vaseclos_http_requests_total", "other", "/bacs", "405"] == 1
    for said in (ready, failing, "tremblay", "nulle-part", "BREW", lab.people["a.tremblay"].id):
        assert said not in text


async def test_an_answer_has_an_id_that_the_logs_have_too(
    users: Users, lab: WebLab, caplog: pytest.LogCaptureFixture
) -> None:
    ready = await ready_sandbox(lab)
    client = await users.browser("a.tremblay")
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(JsonFormatter().format(record))  # type: ignore[method-assign]
    with caplog.at_level(logging.INFO, logger="lab.web"):
        logging.getLogger("lab.web").addHandler(handler)
        try:
            first = await client.get(f"/bacs/{ready}?secret=valeur")
            second = await client.get("/entrer?jeton=un-lien-qui-ne-sert-qu-une-fois")
        finally:
            logging.getLogger("lab.web").removeHandler(handler)
    said = [json.loads(line) for line in lines]
    assert [line["request_id"] for line in said] == [
        answer.headers["x-request-id"] for answer in (first, second)
    ]
    assert said[0]["sandbox_id"] == ready
    assert (said[0]["route"], said[0]["status"]) == ("/bacs/{sandbox_id}", 200)
    assert set(said[0]) <= {"at", "level", "logger", "message", "request_id", *FIELDS}
    assert "tremblay" not in "".join(lines)
    assert "valeur" not in "".join(lines)
    assert "jeton" not in "".join(lines)


def test_a_failure_is_logged_without_what_it_quotes() -> None:
    kept = REQUEST_ID.set("abcd")
    with pytest.raises(NotFoundError) as caught:
        raise NotFoundError("member", "a.tremblay")
    about = (caught.type, caught.value, caught.tb)
    record = logging.LogRecord("lab", logging.ERROR, "f", 1, "x", None, about)
    record.sandbox_id, record.login = "sb-1", "a.tremblay"
    line = JsonFormatter().format(record)
    REQUEST_ID.reset(kept)
    said = json.loads(line)
    assert (said["request_id"], said["sandbox_id"]) == ("abcd", "sb-1")
    assert said["error"] == ["NotFoundError"]
    assert "test_metrics.py" in said["where"][0]
    assert "\n" not in line
    assert "tremblay" not in line


def queries() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


CONFIGURATION = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: vase-clos
    authorization: {{credentials: {token}}}
    static_configs: [{{targets: ["{target}"]}}]
"""


@pytest.mark.real
async def test_every_query_of_the_dashboard_has_an_answer_in_prometheus(
    tmp_path: Path, clock: FixedClock
) -> None:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("not installed: prometheus")
    lab = await build_lab(settings_in(tmp_path, free_port()), clock)
    await spend(lab, await ready_sandbox(lab))
    await failing_sandbox(lab, "c.roy")
    port, own = lab.settings.ports.control_plane, free_port()
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(
        CONFIGURATION.format(token=SECRETS["metrics-token"], target=f"127.0.0.1:{port}")
    )
    command = [
        *(program, f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"),
        *(f"--web.listen-address=127.0.0.1:{own}", "--log.level=error"),
    ]
    async with (
        served(create_app(lab, run_controller=True), port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{own}/api/v1", verify=False) as asked,
    ):
        with subprocess.Popen(command) as process:
            try:
                answers = await _answers(asked)
            finally:
                process.terminate()
    await lab.store.aclose()
    assert len(answers) == len(queries()) >= 10
    for expr, found in answers.items():
        assert found, f"no answer: {expr}"
    by_phase = answers["sum by (phase) (max by (phase, job) (vaseclos_sandboxes))"]
    assert {one["metric"]["phase"]: one["value"][1] for one in by_phase} == {
        "ready": "1",
        "pending": "1",
        "deleting": "0",
    }
    hours = {"ratio": ("0.8", "0"), "used_hours": ("400", "0"), "limit_hours": ("500", "20")}
    for name, (cpu, gpu) in hours.items():
        named = "budget_used_ratio" if name == "ratio" else f"budget_{name}"
        told = answers[f"max by (agency, resource) (vaseclos_{named})"]
        assert {(o["metric"]["agency"], o["metric"]["resource"]): o["value"][1] for o in told} == {
            ("rft", "cpu_hours"): cpu,
            ("rft", "gpu_hours"): gpu,
        }


def test_the_dashboard_changes_colour_where_the_lab_tells_of_a_budget() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    shares = next(p for p in panels if "budget_used_ratio" in p["targets"][0]["expr"])
    steps = shares["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in steps[1:]] == [percent / 100 for percent in THRESHOLDS]
    assert len({step["color"] for step in steps}) == len(steps)
    assert len({panel["id"] for panel in panels}) == len(panels)


async def spend(lab: WebLab, sandbox_id: SandboxId) -> None:
    """Let an agency have used four fifths of its CPU hours, and none of its GPU hours."""
    room = Usage(Resources(4000, 8 * GIB, 40 * GIB, 1), 3)
    await lab.agencies.set_quota(
        lab.people["o.lavoie"], AgencyId("rft"), room, budget=Budget(cpu_hours=500, gpu_hours=20)
    )
    begins = lab.clock.now() - timedelta(hours=100)
    async with lab.store.begin() as tx:
        held = Resources(4000, GIB, GIB)
        await tx.hours.begin(Span(sandbox_id, AgencyId("rft"), held, begins))


async def _answers(asked: httpx.AsyncClient) -> dict[str, list[dict[str, dict[str, str]]]]:
    """Ask every query until each has an answer, for what a rate needs is two looks."""
    found: dict[str, list[dict[str, dict[str, str]]]] = {}
    for _ in range(40):
        await asyncio.sleep(0.5)
        for expr in queries():
            if found.get(expr):
                continue
            plain = re.sub(r"\$__rate_interval", "30s", expr)
            try:
                answer = await asked.get("/query", params={"query": plain})
            except httpx.TransportError:
                break
            if answer.status_code == 503:
                break
            assert answer.json()["status"] == "success", answer.text
            found[expr] = answer.json()["data"]["result"]
        if len(found) == len(queries()) and all(found.values()):
            break
    return found
