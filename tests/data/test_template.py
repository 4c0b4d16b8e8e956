from __future__ import annotations

import hashlib
import json
import resource
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import nbformat
import pytest
import yaml

from lab.domain.quantity import GIB
from tests.data.parts import ACCESS_KEY, SECRET_KEY

if TYPE_CHECKING:
    from lab.data.publication import Built
    from tests.data.parts import Parts

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK_ENV = ROOT / ".build" / "notebook"
TEMPLATE = ROOT / "notebooks-templates" / "01-depart"
WALLS = Path(__file__).parent / "walls"

real = [
    pytest.mark.real,
    pytest.mark.timeout(300),
]


@dataclass(frozen=True, slots=True)
class Run:
    sandbox_id: str
    cells: list[Any]
    cpu_seconds: float
    peak_bytes: int
    tracking_url: str


def environment(parts: Parts, home: Path, sandbox_id: str) -> dict[str, str]:
    return {
        "PATH": f"{NOTEBOOK_ENV / 'bin'}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "PYTHONPATH": str(WALLS),
        "LAB_SANDBOX_ID": sandbox_id,
        "MLFLOW_TRACKING_URI": parts.tracking_url,
        "MLFLOW_EXPERIMENT_NAME": sandbox_id,
        "AWS_ENDPOINT_URL": parts.storage_url,
        "AWS_ENDPOINT_URL_S3": parts.storage_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ALLOW_HTTP": "true",
        "PIP_NO_INDEX": "1",
    }


def upload(parts: Parts, built: Built, sandbox_id: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=parts.storage_url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name="us-east-1",
    )
    there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for bucket in {"jeux", sandbox_id} - there:
        client.create_bucket(Bucket=bucket)
    for file in built.version.files:
        client.upload_file(
            str(built.folder / file.name), "jeux", f"{built.version.prefix}{file.name}"
        )


def run_template(parts: Parts, built: Built, home: Path) -> Run:
    sandbox_id = f"sb-{hashlib.sha256(built.dataset.id.encode()).hexdigest()[:10]}"
    upload(parts, built, sandbox_id)
    shutil.copytree(built.folder, home / "donnees" / built.dataset.id)
    shutil.copytree(TEMPLATE, home / "carnets")
    env = environment(parts, home, sandbox_id)
    python = NOTEBOOK_ENV / "bin" / "python"
    subprocess.run([python, NOTEBOOK_ENV / "share/vase-clos/prepare_home.py"], env=env, check=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [NOTEBOOK_ENV / "bin" / "jupyter-execute", "depart.ipynb", "--output", "fait.ipynb"],
        cwd=home / "carnets",
        env=env,
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cells = nbformat.read(home / "carnets" / "fait.ipynb", as_version=4).cells
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # The largest process that has ended so far below this one: the kernel.
    return Run(sandbox_id, cells, cpu_seconds, after.ru_maxrss * 1024, parts.tracking_url)


@pytest.fixture(scope="module", params=["demandes-prestations", "rand-hie"])
def run(
    request: pytest.FixtureRequest,
    shipped: list[Built],
    real_parts: Parts,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    built = next(each for each in shipped if each.dataset.id == request.param)
    return run_template(real_parts, built, tmp_path_factory.mktemp("home"))


def ask_mlflow(run: Run, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{run.tracking_url}/api/2.0/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return dict(json.load(answer))


def outputs(run: Run) -> str:
    return json.dumps([c.outputs for c in run.cells if c.cell_type == "code"], ensure_ascii=False)


class TestRunTopToBottom:
    pytestmark = real

    def test_every_cell_runs_without_an_error_or_a_warning(self, run: Run) -> None:
        code = [cell for cell in run.cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in code)
        kinds = {out.output_type for cell in code for out in cell.outputs}
        assert "error" not in kinds
        noise = [o.text for c in code for o in c.outputs if o.get("name") == "stderr"]
        assert noise == []

    def test_it_takes_less_than_a_minute(self, run: Run) -> None:
        # Counted in CPU time, so that what else the machine does changes nothing.
        assert run.cpu_seconds < 60

    def test_it_fits_in_the_smallest_size(self, run: Run) -> None:
        assert run.peak_bytes < 1.5 * GIB

    def test_both_readings_agree_and_the_result_is_read_back(self, run: Run) -> None:
        text = outputs(run)
        assert "Les lectures concordent et l’empreinte est la bonne." in text
        assert f"s3://{run.sandbox_id}/resultats/" in text

    def test_every_wall_is_seen_shut_at_once(self, run: Run) -> None:
        text = outputs(run)
        assert text.count("<td>fermé</td>") == 4
        assert "OUVERT" not in text

    def test_mlflow_has_the_parameters_the_metrics_the_plot_and_the_model(self, run: Run) -> None:
        name = urllib.request.quote(run.sandbox_id)
        found = ask_mlflow(run, f"mlflow/experiments/get-by-name?experiment_name={name}")
        experiment_id = found["experiment"]["experiment_id"]
        runs = ask_mlflow(run, "mlflow/runs/search", {"experiment_ids": [experiment_id]})["runs"]
        assert [each["info"]["status"] for each in runs] == ["FINISHED"]
        data = runs[0]["data"]
        assert {"cible", "loss", "max_iter", "lignes"} <= {p["key"] for p in data["params"]}
        metrics = {m["key"]: m["value"] for m in data["metrics"]}
        assert metrics["deviance_poisson"] < metrics["deviance_poisson_reference"]
        run_id = runs[0]["info"]["run_id"]
        listed = ask_mlflow(run, f"mlflow/artifacts/list?run_id={run_id}&path=graphiques")
        (plot,) = listed["files"]
        assert plot["path"] == "graphiques/calibration.png"
        assert plot["file_size"] > 5_000
        models = ask_mlflow(
            run, "mlflow/logged-models/search", {"experiment_ids": [experiment_id]}
        )
        assert [model["info"]["name"] for model in models["models"]] == ["modele"]


class TestSource:
    def test_the_template_describes_itself_and_its_entry_exists(self) -> None:
        about = yaml.safe_load((TEMPLATE / "gabarit.yaml").read_text("utf-8"))
        assert about["id"] == TEMPLATE.name
        assert (TEMPLATE / about["entry"]).is_file()

    def test_it_is_kept_without_outputs_and_holds_no_key_and_no_address(self) -> None:
        text = (TEMPLATE / "depart.ipynb").read_text("utf-8")
        cells = nbformat.read(TEMPLATE / "depart.ipynb", as_version=4).cells
        assert all(not c.outputs and c.execution_count is None for c in cells if "outputs" in c)
        for word in ("127.0.0.1", "localhost", "aws_secret", "password", "endpoint_url"):
            assert word not in text.lower()

    def test_its_french_follows_quebec_typography(self) -> None:
        cells = nbformat.read(TEMPLATE / "depart.ipynb", as_version=4).cells
        prose = "\n".join(c.source for c in cells if c.cell_type == "markdown")
        for wrong in (" ?", " !", " ;", "« ", " »", " :", "'"):
            assert wrong not in prose, wrong
