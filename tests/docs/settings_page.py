"""Settings, provider options, ports."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

from lab.parts import machine
from lab.providers.jupyterhub import Options as HubOptions
from lab.providers.local.options import Options as LocalOptions
from lab.providers.mlflow.options import Options as MlflowOptions
from lab.providers.s3.options import Options as S3Options
from lab.settings import CHECKOUT, Mail, Settings
from tests.docs.meanings import SETTINGS
from tests.docs.writing import code, environment, page, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

_STATE_DIR = Path("/STATE_DIR")


def _fixed_settings() -> Settings:
    with environment():
        return Settings(state_dir=_STATE_DIR, run_dir=Path("/RUN_DIR"))


def _shown(value: object) -> str:
    text = str(value).replace(f"{CHECKOUT}/", "").replace("/STATE_DIR", "STATE_DIR")
    return text.replace("sqlite+aiosqlite:///STATE_DIR", "sqlite+aiosqlite:///STATE_DIR")


def settings() -> str:
    made = _fixed_settings()
    special = {
        "state_dir": ".lab",
        "run_dir": "$XDG_RUNTIME_DIR/vase-clos-UID-HASH",
        "providers": "{}",
        "mail": "{}",
    }
    rows = []
    for name in Settings.model_fields:
        french, meaning = SETTINGS[name]
        default = special.get(name) or _shown(getattr(made, name))
        rows.append((code(f"LAB_{name.upper()}"), code(default), french, meaning))
    return page(
        "# Réglages / Settings",
        "",
        "Chaque réglage se donne dans l’environnement ou dans `STATE_DIR/lab.toml` (le nom en "
        "minuscules, sans `LAB_`); l’environnement gagne. Une clé inconnue est refusée. Les "
        "durées s’écrivent comme `PT15S` ou `0:00:15`.",
        "",
        "Each setting is given in the environment or in `STATE_DIR/lab.toml` (the name in lower "
        "case, without `LAB_`); the environment wins. An unknown key is refused. Durations are "
        "written as `PT15S` or `0:00:15`.",
        "",
        *table(("Nom / Name", "Défaut / Default", "Français", "English"), rows),
        "## Courriel / Mail",
        "",
        "`LAB_MAIL` in JSON, or `[mail]` in `lab.toml`.",
        "",
        *_options("mail", Mail),
        "## Options des fournisseurs / Provider options",
        "",
        "`LAB_PROVIDERS` is JSON: for each stage, `use` names a folder of `lab.providers` and "
        "`options` replaces what the lab would give it on this machine.",
        "",
        *_options("local", LocalOptions),
        *_options("s3", S3Options),
        *_options("mlflow", MlflowOptions),
        *_options("jupyterhub", HubOptions),
        "## Ports",
        "",
        "All on loopback. The first is `LAB_PORT`; the lab takes it and those after it.",
        "",
        *table(("Port", "Part", "What"), _ports()),
    )


def _ports() -> Iterator[tuple[str, str, str]]:
    made = _fixed_settings()
    owners = {port: part.name for part in machine.parts(made) for port in part.ports}
    names = {port: name for name, port in made.ports.all().items()}
    for port in sorted(owners):
        yield code(f"LAB_PORT + {port - made.port}"), owners[port], names[port].replace("_", " ")


def _options(name: str, model: type[BaseModel]) -> list[str]:
    said = _attributes(model)
    rows = [
        (
            code(field),
            "–" if info.is_required() else code(info.get_default(call_default_factory=True)),
            said.get(field, ""),
        )
        for field, info in model.model_fields.items()
    ]
    return [f"### `{name}`", "", *table(("Option", "Default", "Meaning"), rows)]


def _attributes(model: type) -> dict[str, str]:
    """Read the ``Attributes`` part of a docstring."""
    text = inspect.getdoc(model) or ""
    _, _, part = text.partition("Attributes:\n")
    found = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", part, re.MULTILINE)
    return {name: re.sub(r"\s+", " ", said).replace("``", "`") for name, said in found}
