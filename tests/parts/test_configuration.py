from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from supervisor.options import ServerOptions

from lab.parts import lifecycle, machine, supervision
from lab.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def prepared(settings: Settings) -> Settings:
    lifecycle.make_places(settings)
    machine.prepare(settings)
    return settings


def read_back(settings: Settings, text: str) -> ServerOptions:
    for part in machine.parts(settings):
        part.cwd.mkdir(parents=True, exist_ok=True)
    path = settings.state_dir / "read.conf"
    path.write_text(text, "utf-8")
    options = ServerOptions()
    options.realize(["-c", str(path)])
    return options


def test_supervisord_reads_back_every_part_exactly_as_it_was_described(prepared: Settings) -> None:
    parts = {part.name: part for part in machine.parts(prepared)}
    text = supervision.configuration(prepared, list(parts.values()))
    options = read_back(prepared, text)
    found = {group.name: group.process_configs[0] for group in options.process_group_configs}
    assert list(found) == list(machine.NAMES)
    for name, config in found.items():
        part = parts[name]
        *prefix, separator = supervision.PARENT_GONE
        command = re.split(r"\s+", config.command)
        assert command[: len(prefix) + 1] == [*prefix, separator]
        assert config.environment == dict(part.env)
        assert config.directory == str(part.cwd)
        assert config.stdout_logfile == str(prepared.state_dir / "logs" / f"{name}.log")
        assert config.autorestart
        assert config.stopasgroup
        assert config.killasgroup
        assert config.redirect_stderr


def test_no_part_is_told_a_secret_in_its_command_line_or_environment(prepared: Settings) -> None:
    secrets = [path.read_text() for path in prepared.secrets_dir.iterdir()]
    text = supervision.configuration(prepared, machine.parts(prepared))
    written = (machine.hub_config_path(prepared), machine.gateway_config_path(prepared))
    for told in (text, *(path.read_text() for path in written)):
        assert not [secret for secret in secrets if secret in told]


def test_every_part_listens_on_its_own_ports_of_the_block(prepared: Settings) -> None:
    ports = [port for part in machine.parts(prepared) for port in part.ports]
    assert len(ports) == len(set(ports))
    assert min(ports) == prepared.port
    assert max(ports) < prepared.port + 16


def test_every_part_carries_the_labs_mark(prepared: Settings) -> None:
    for part in machine.parts(prepared):
        assert part.env["VASE_CLOS_PART"] == f"{part.name}@{prepared.state_dir}"


def test_the_gateway_and_the_hub_agree_on_places(prepared: Settings) -> None:
    gateway = json.loads(machine.gateway_config_path(prepared).read_text())
    hub = json.loads(machine.hub_config_path(prepared).read_text())
    assert gateway["port"] == hub["people_port"]
    assert gateway["public_port"] == hub["public_port"]
    assert gateway["doors_dir"] == str(prepared.run_dir / "doors")
    assert hub["run_dir"] == str(prepared.run_dir)


def test_what_supervisord_cannot_be_told_is_refused() -> None:
    for value in ("a\nb", "both ' and \"", "'quoted'"):
        with pytest.raises(ValueError, match="cannot be told"):
            supervision._quoted(supervision._escaped(value))


def test_settings_kept_in_the_state_folder_are_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lab.toml").write_text('port = 9100\ndomain = "essai.localhost"\n')
    assert Settings(state_dir=tmp_path).port == 9100
    monkeypatch.setenv("LAB_PORT", "9200")
    found = Settings(state_dir=tmp_path)
    assert (found.port, found.domain) == (9200, "essai.localhost")
