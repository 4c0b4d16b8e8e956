"""All configuration of the lab, on one machine or on a cluster, read once at start.

Every field can be set in the environment as ``LAB_`` and its name, or in
``STATE_DIR/lab.toml``; the environment wins.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import tomllib
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from lab.domain.object_store import StoreChoice
from lab.domain.sandbox import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(__file__).resolve().parent.parent


class ProviderSettings(BaseModel):
    """Which folder of ``lab.providers`` owns a stage, and its options."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use: str
    options: dict[str, Any] = {}


_NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
_URL = r"^https?://[A-Za-z0-9.\-\[\]:]+$"
_DIGEST = r"^[a-z0-9.\-:/_]+@sha256:[0-9a-f]{64}$"


def _labels(part: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "vase-clos", "app.kubernetes.io/component": part}


class Images(BaseModel):
    """What runs in sandboxes, by digest: nothing else is let in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notebook: str = Field(pattern=_DIGEST)
    probe: str = Field(pattern=_DIGEST)


class Cluster(BaseModel):
    """Where the lab's parts are on a cluster, as the chart tells it.

    Attributes:
        namespace: The release's own.
        lab_api_url: How the gateway and the hub find the control plane.
        storage_admin: The way the store's admin side is spoken to.
        quarantine_bucket: Where deposited files wait, encrypted; no sandbox's policy names it.
        quarantine_access_key: Of whoever may work in that bucket, and nowhere else.
        tracking_artifacts: Where the tracking server keeps artifacts, as it is told itself.
        gateway_selector: Labels of the gateway's pods.
        storage_class: Of homes; the cluster's own default where empty.
        internet: ``address:port`` of what stands for the internet in the proof; each must answer
            in an open namespace.
        witness_host: The headless service of the witnesses.
        pull_secret: Of the release's namespace; copied into each sandbox, whose pods name it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    namespace: str = Field(default="vase-clos", pattern=_NAME)
    lab_api_url: str = Field(default="http://api:8001", pattern=_URL)
    hub_url: str = Field(default="http://hub:8081", pattern=_URL)
    tracking_url: str = Field(default="http://tracking:5000", pattern=_URL)
    storage_url: str = Field(default="http://storage:9000", pattern=_URL)
    storage_admin: Literal["minio", "seaweedfs"] = "minio"
    storage_access_key: str = Field(default="lab-admin", min_length=3, max_length=128)
    storage_region: str = "us-east-1"
    tracking_username: str = "lab-admin"
    quarantine_bucket: str = Field(default="quarantaine", pattern=_BUCKET)
    quarantine_access_key: str = Field(default="lab-quarantine", min_length=3, max_length=128)
    tracking_artifacts: str = Field(default="s3://suivi/artefacts", pattern=r"^s3://[a-z0-9./-]+$")
    gateway_selector: dict[str, str] = _labels("gateway")
    hub_selector: dict[str, str] = _labels("hub")
    front_selector: dict[str, str] = _labels("front")
    images: Images
    storage_class: str = Field(default="", max_length=253)
    internet: tuple[str, ...] = ()
    witness_host: str = "witness-each"
    pull_secret: str = ""


class Oidc(BaseModel):
    """An identity provider that people may sign in by, beside local accounts.

    The secret of a confidential client is the file ``oidc-client-secret`` of the secrets' folder.

    Attributes:
        issuer: As the provider writes it itself; its discovery document is below.
        client_id: What the provider calls the lab.
        scopes: What is asked for.
        label_fr: On the button, in French.
        label_en: The same, in English.
        policy: Which groups are what; ``signin.yaml`` of the policies' folder by default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(pattern=r"^https?://[A-Za-z0-9.\-\[\]:/_~%]{1,300}[^/]$")
    client_id: str = Field(min_length=1, max_length=200)
    scopes: tuple[str, ...] = ("openid", "profile")
    label_fr: str = Field(
        default="Se connecter avec le compte de mon organisme", min_length=1, max_length=100
    )
    label_en: str = Field(
        default="Sign in with my organization’s account", min_length=1, max_length=100
    )
    policy: Path | None = None


class Mail(BaseModel):
    """How the mail of notices leaves. Without a host it is kept in ``STATE_DIR/courriels``.

    Attributes:
        host: Of the SMTP server.
        port: 0 for the usual one: 587, with ``tls`` 465, with ``none`` 25.
        security: ``starttls`` is never done without: where the server has none, nothing is sent.
        username: Only ever given over TLS.
        password_file: Read at each mail.
        ca_file: Of the authority that signed its certificate; the system's where there is none.
        sender: Of every mail.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(default="", pattern=r"^[A-Za-z0-9.:\-]{0,253}$")
    port: int = Field(default=0, ge=0, le=65535)
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str = Field(default="", max_length=200)
    password_file: Path | None = None
    ca_file: Path | None = None
    sender: str = Field(
        default="vase-clos@localhost", pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}$"
    )

    @model_validator(mode="after")
    def _check(self) -> Mail:
        if bool(self.username) != (self.password_file is not None):
            raise ValueError("username and password_file go together")
        if self.username and self.security == "none":
            raise ValueError("a password is only ever given over TLS: security starttls or tls")
        return self

    @property
    def the_port(self) -> int:
        """The port as given, or the usual one."""
        return self.port or {"none": 25, "starttls": 587, "tls": 465}[self.security]


class Ports(BaseModel):
    """Where each part listens; loopback only on one machine."""

    model_config = ConfigDict(frozen=True)

    front: int
    control_plane: int
    hub: int
    gateway: int
    tracking: int
    storage: int
    proxy_api: int
    storage_internal: tuple[int, ...]

    def all(self) -> dict[str, int]:
        """Name every port, for checks and messages."""
        named = {
            name: value for name, value in self.model_dump().items() if isinstance(value, int)
        }
        return named | {f"storage_{n}": port for n, port in enumerate(self.storage_internal)}


def _kept(state_dir: Path) -> dict[str, Any]:
    """Return what ``STATE_DIR/lab.toml`` says; nothing where there is none."""
    try:
        return tomllib.loads((state_dir / "lab.toml").read_text("utf-8"))
    except FileNotFoundError:
        return {}


class Settings(BaseSettings):
    """The lab's settings. Unknown keys are refused.

    Attributes:
        runtime: Where sandboxes run.
        role: What ``python -m lab.web`` does: all, or the API alone with the loop elsewhere.
        cluster: Where the parts are, for ``runtime = kubernetes``.
        public_url: Where people find the portal, without a closing slash.
        trusted_proxies: Addresses or networks, with commas between, whose forwarded headers count.
        kubeconfig: How the API server is reached from outside a pod, for trials.
        state_dir: Everything that is kept: databases, objects, homes, secrets, logs.
        run_dir: Sockets and pid files; short, because a socket's path may have 107 bytes.
        domain: Names under it are the portal's, the members' and the sandboxes' origins.
        port: The front door; the parts behind it take the 15 ports after it.
        database_url: SQLAlchemy URL; a SQLite file in ``state_dir`` by default.
        storage: The object store on one machine.
        time_zone: Where the lab's days begin and end.
        oidc: Who signs people in beside local accounts; nobody by default.
        mail: How the mail of notices leaves; into a folder by default.
        theme_dir: Laid over the portal's own pages: files, and templates; ``STATE_DIR/theme`` by
            default, and there need be none.
        notebook_env: The environment that every sandbox sees at ``/opt/notebook``.
        poll: How often a sandbox that is being built or taken down is looked at.
        watch: How often one that is ready is looked at.
        sweep: How often orphans are looked for.
        work_memory_bytes: What treating and measuring a table may take; zero for what the process
            that does it is allowed by its control groups, and the machine can give.
        most_drafts: How many requests an agency may have begun and not sent in.
        notebook_idle: After how long without any use a notebook server ends; zero for never.
    """

    model_config = SettingsConfigDict(env_prefix="LAB_", extra="forbid", frozen=True)

    runtime: Literal["machine", "kubernetes"] = "machine"
    role: Literal["all", "api"] = "all"
    cluster: Cluster | None = None
    public_url: str = Field(default="", pattern=_URL)
    trusted_proxies: str = "127.0.0.1"
    kubeconfig: Path | None = None
    state_dir: Path = CHECKOUT / ".lab"
    run_dir: Path = Path()
    domain: str = Field(default="vaseclos.localhost", pattern=r"^[a-z0-9.-]{1,100}$")
    port: int = Field(default=8000, ge=1, le=65000)
    database_url: str = ""
    time_zone: str = "America/Toronto"
    oidc: Oidc | None = None
    mail: Mail = Mail()
    policies_dir: Path = CHECKOUT / "policies"
    templates_dir: Path = CHECKOUT / "notebooks-templates"
    theme_dir: Path = Path()
    notebook_env: Path = CHECKOUT / ".build" / "notebook"
    providers: dict[Stage, ProviderSettings] = {}
    storage: StoreChoice = StoreChoice()
    poll: timedelta = timedelta(seconds=1)
    watch: timedelta = timedelta(seconds=15)
    sweep: timedelta = timedelta(minutes=1)
    work_memory_bytes: int = Field(default=0, ge=0)
    most_drafts: int = Field(default=100, ge=1, le=1000)
    notebook_idle: timedelta = timedelta(hours=2)
    first_retry: timedelta = timedelta(seconds=1)
    last_retry: timedelta = timedelta(minutes=5)
    workers: int = Field(default=4, ge=1, le=64)

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Derive what depends on ``state_dir``."""
        state_dir = Path(values.get("state_dir") or CHECKOUT / ".lab").absolute()
        values = _kept(state_dir) | values | {"state_dir": state_dir}
        if not values.get("run_dir"):
            mark = hashlib.sha256(str(state_dir).encode()).hexdigest()[:8]
            base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
            values["run_dir"] = Path(base) / f"vase-clos-{os.getuid()}-{mark}"
        values["theme_dir"] = values.get("theme_dir") or state_dir / "theme"
        _fill_address(values)
        if not values.get("database_url"):
            values["database_url"] = _database(values.get("runtime"), state_dir)
        return values

    @model_validator(mode="after")
    def _check(self) -> Settings:
        if self.runtime == "kubernetes" and self.cluster is None:
            raise ValueError("runtime kubernetes needs LAB_CLUSTER")
        if self.runtime == "kubernetes" and not self.database_url.startswith("postgresql"):
            raise ValueError(
                "runtime kubernetes keeps its rows in PostgreSQL: "
                "set LAB_DATABASE_URL, or the secret database-url"
            )
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone as an object."""
        return ZoneInfo(self.time_zone)

    @property
    def api_url(self) -> str:
        """Where the lab's own programs find the control plane."""
        if self.cluster is not None:
            return self.cluster.lab_api_url
        return f"http://127.0.0.1:{self.ports.control_plane}"

    @property
    def on_cluster(self) -> Cluster:
        """Where the parts are on the cluster.

        Raises:
            ValueError: The lab runs on one machine.
        """
        if self.cluster is None:
            raise ValueError("this needs runtime kubernetes")
        return self.cluster

    @property
    def mail_dir(self) -> Path:
        """Where mail is kept that goes to no server: one ``.eml`` file each."""
        return self.state_dir / "courriels"

    @property
    def secrets_dir(self) -> Path:
        """One file per secret."""
        return self.state_dir / "secrets"

    @property
    def ports(self) -> Ports:
        """Where each part listens."""
        base = self.port
        return Ports(
            front=base,
            control_plane=base + 1,
            hub=base + 2,
            gateway=base + 3,
            tracking=base + 4,
            storage=base + 5,
            proxy_api=base + 6,
            storage_internal=tuple(range(base + 7, base + 16)),
        )

    def with_port(self, port: int) -> Settings:
        """Return these settings with another first port."""
        moved: dict[str, object] = {"port": port}
        if self.public_url == f"http://{self.domain}:{self.port}":
            moved["public_url"] = f"http://{self.domain}:{port}"
        return self.model_copy(update=moved)

    def secret(self, name: str) -> str:
        """Read one secret.

        Raises:
            FileNotFoundError: ``lab up`` has not made it yet.
        """
        return (self.secrets_dir / name).read_text().strip()


class BadSettingsError(ValueError):
    """The settings cannot be used; the message is one line for whoever wrote them."""


def from_environment(**values: Any) -> Settings:
    """Read the settings of this process.

    Raises:
        BadSettingsError: One line says what is wrong, and where.
    """
    try:
        return Settings(**values)
    except ValidationError as error:
        said = "; ".join(_said(problem["loc"], problem["msg"]) for problem in error.errors()[:5])
        raise BadSettingsError(f"settings: {said}") from None
    except (SettingsError, OSError, tomllib.TOMLDecodeError) as error:
        raise BadSettingsError(f"settings: {' '.join(str(error).split())}") from None


def _said(where: tuple[int | str, ...], message: str) -> str:
    # Not the value: it may be a database's address, with the password in it.
    name = ".".join([f"LAB_{str(where[0]).upper()}", *map(str, where[1:])]) if where else ""
    return f"{name}: {message}" if name else message.removeprefix("Value error, ")


def _fill_address(values: dict[str, Any]) -> None:
    """Derive the public address from name and port, or the name from the address."""
    given = str(values.get("public_url") or "").rstrip("/")
    if given:
        host = urlsplit(given).hostname
        values["domain"] = values.get("domain") or host
        values["public_url"] = given
    else:
        fields: Mapping[str, Any] = Settings.model_fields
        domain = values.get("domain") or fields["domain"].default
        values["public_url"] = f"http://{domain}:{values.get('port') or fields['port'].default}"


def _database(runtime: object, state_dir: Path) -> str:
    if runtime == "kubernetes":
        try:
            return (state_dir / "secrets" / "database-url").read_text("utf-8").strip()
        except FileNotFoundError:
            return ""
    return f"sqlite+aiosqlite:///{state_dir / 'lab.sqlite'}"
