"""``lab images``: the container images of a cluster, built, pushed and described."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli import screen
from lab.cli.commands import AsOutput, command, noun
from lab.cli.progress import Steps
from lab.cli.screen import Output
from lab.parts.message import MachineError, Message, message
from lab.settings import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from lab.shipping.building import Yard
    from lab.shipping.catalogue import Catalogue, ImageSpec
    from lab.shipping.errors import ShippingError
    from lab.shipping.shipped import Shipped

app = noun("images", "Container images of a cluster: build, push, list.")
DIGESTS = CHECKOUT / "images" / "digests.json"

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="IMAGE...", help="Which; all where none is named.", show_default=False),
]
Host = Annotated[
    str,
    typer.Option(help="The container engine; else DOCKER_HOST.", show_default=False),
]
Base = Annotated[
    str,
    typer.Option(
        envvar="LAB_IMAGE_BASE",
        help="What the images start from, any Debian 12; else an official Python image.",
        show_default=False,
    ),
]
Bundled = Annotated[
    bool, typer.Option("--with-bundled", help="The storage and the database for trials too.")
]
File = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=PATH",
        help="A program that an image needs from outside: minio=PATH.",
        show_default=False,
    ),
]
Jobs = Annotated[int, typer.Option(min=1, max=16, help="How many at once.")]
Registry = Annotated[
    str,
    typer.Option(
        envvar="LAB_IMAGE_REGISTRY",
        help="Where to push, HOST:PORT/PATH; else where the last push went.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the command line says of the images."""

    names: Sequence[str]
    has_bundled: bool
    host: str
    base: str
    files: Sequence[str] = field(default=())
    jobs: int = 2

    @contextmanager
    def yard(self, steps: Steps) -> Generator[tuple[Catalogue, Yard, tuple[ImageSpec, ...]]]:
        """Give the catalogue, the place to build and the chosen images."""
        from lab.shipping import catalogue, engine  # noqa: PLC0415  # of an optional extra
        from lab.shipping.building import Yard  # noqa: PLC0415

        known = catalogue.read(CHECKOUT)
        specs = known.chosen(self.names, with_bundled=self.has_bundled)
        given = _files(self.files)
        with closing(engine.connect(self.host)) as found:
            base = self.base or known.base
            yield known, Yard(known, found, steps, base=base, given=given, jobs=self.jobs), specs


@command(
    app,
    "lab images build",
    "lab images build notebook --base debian:12",
    "lab images build --with-bundled --file minio=./minio",
    name="build",
)
def build(
    names: Names = None,
    *,
    host: Host = "",
    base: Base = "",
    with_bundled: Bundled = False,
    file: File = None,
    jobs: Jobs = 2,
    output: AsOutput = Output.TABLE,
) -> None:
    """Build the images that changed, and write what each is made of in .build/sbom.

    Python packages are fetched by hash before the build, into .build/wheels: a
    machine without a package index builds from a copy of that folder.
    """
    wanted = _Wanted(names or (), with_bundled, host, base, file or (), jobs)
    with _working(output) as steps, wanted.yard(steps) as (_, yard, specs):
        shipped = yard.build(specs)
    _show(shipped, output)


@command(
    app,
    "lab images push --registry registry.example.org/lab",
    "lab images push notebook",
    name="push",
)
def push(
    names: Names = None,
    *,
    registry: Registry = "",
    host: Host = "",
    base: Base = "",
    with_bundled: Bundled = False,
    file: File = None,
    jobs: Jobs = 2,
    output: AsOutput = Output.TABLE,
) -> None:
    """Build what changed, push it, and write the digests in images/digests.json.

    The chart deploys exactly those digests.
    """
    wanted = _Wanted(names or (), with_bundled, host, base, file or (), jobs)
    with _working(output) as steps:
        from lab.shipping import record, reference  # noqa: PLC0415  # of an optional extra

        where = reference.registry(registry or record.read(DIGESTS).registry or _no_registry())
        with wanted.yard(steps) as (known, yard, specs):
            yard.build(specs)
            shipped = yard.push(known.deployed(specs), where, DIGESTS)
    _show(shipped, output)


@command(app, "lab images list", "lab images list -o json", name="list")
def list_images(
    *,
    host: Host = "",
    base: Base = "",
    file: File = None,
    output: AsOutput = Output.TABLE,
) -> None:
    """List the images: whether they are built and pushed as they are now."""
    with _working(output) as steps:
        from lab.shipping import record  # noqa: PLC0415  # of an optional extra

        wanted = _Wanted((), bool(file), host, base, file or ())
        pushed = record.read(DIGESTS).images
        with wanted.yard(steps) as (known, yard, specs):
            found = yard.look(known.deployed(specs))
    rows: list[dict[str, Any]] = []
    for each in found:
        there = pushed.get(each.name)
        rows.append({
            "image": each.name,
            "built": each.size > 0,
            "pushed": there is not None and there.content == each.content,
            "size_bytes": each.size or (there.size if there else 0),
            "content": each.content,
            "reference": there.reference if there else "",
        })
    if output is Output.JSON:
        screen.show_json(rows)
        return
    screen.show_table(
        ("Image", "Built", "Pushed", "Size", "Reference"),
        [
            (
                row["image"],
                row["built"],
                row["pushed"],
                screen.mebibytes(row["size_bytes"]),
                row["reference"],
            )
            for row in rows
        ],
    )


def _show(shipped: Sequence[Shipped], output: Output) -> None:
    if output is Output.JSON:
        screen.show_json([asdict(each) for each in shipped])
        return
    rows = [
        (
            each.name,
            each.is_new,
            screen.mebibytes(each.size),
            f"{each.seconds:.1f} s",
            each.name_there,
        )
        for each in shipped
    ]
    screen.show_table(("Image", "New", "Size", "Took", "Reference"), rows)


def _files(given: Sequence[str]) -> dict[str, Path]:
    """Read ``NAME=PATH``."""
    found = {}
    for each in given:
        name, equals, path = each.partition("=")
        if not (name and equals and path):
            raise MachineError(message("--file wants NAME=PATH, not {given}", given=each))
        found[name] = Path(path).expanduser()
    return found


def _no_registry() -> str:
    raise MachineError(
        message("no registry is named"),
        message("Name it: --registry HOST:PORT/PATH, or LAB_IMAGE_REGISTRY"),
    )


@contextmanager
def _working(output: Output) -> Generator[Steps]:
    """Show how far the images are; say what fails in one line, and what to do."""
    from lab.shipping.errors import ShippingError  # noqa: PLC0415  # of an optional extra

    steps = Steps(sys.stderr if output is Output.JSON else None)
    try:
        with steps.live():
            yield steps
    except ShippingError as error:
        raise _explained(error) from error


def _explained(error: ShippingError) -> MachineError:
    """Return an error of the images as operators read it."""
    facts: dict[str, Any] = {
        name: value for name, value in vars(error).items() if name != "detail"
    }
    facts.setdefault("why", str(error))
    said, remedy, code = _SENTENCES.get(type(error).__name__, (message("{why}"), None, 3))
    return MachineError(
        replace(said, facts=facts),
        replace(remedy, facts=facts) if remedy else None,
        detail=error.detail,
        exit_code=code,
    )


_SENTENCES: dict[str, tuple[Message, Message | None, int]] = {
    "CatalogueError": (message("{path}: {why}"), None, 2),
    "UnknownImageError": (message("there is no image {name}; there are {known}"), None, 2),
    "BadReferenceError": (
        message("'{text}' is not the name of a registry or an image"),
        message("Write HOST:PORT/PATH, as in registry.example.org/lab"),
        2,
    ),
    "ToolMissingError": (
        message("{tool} is not installed"),
        message("Run 'make up': it installs what is missing."),
        2,
    ),
    "FileMissingError": (
        message("the image {image} needs the program {name}, which was not given"),
        message("Say where it is: --file {name}=PATH"),
        2,
    ),
    "EngineUnreachableError": (
        message("no container engine answers at {host}: {why}"),
        message("Start Docker, or name another engine: --host unix:///PATH"),
        2,
    ),
    "BaseMissingError": (
        message("the base image {base} cannot be had: {why}"),
        message("Name one that the engine has or can fetch: --base IMAGE (any Debian 12)"),
        2,
    ),
    "DownloadFailedError": (
        message("the locked packages could not be fetched: {why}"),
        message("Check the network or PIP_INDEX_URL, then run it again; what came is kept"),
        3,
    ),
    "BuildFailedError": (
        message("the image {image} could not be built, at the step {step}: {why}"),
        None,
        3,
    ),
    "PushFailedError": (
        message("the registry {registry} did not take {image}: {why}"),
        message("Check that it runs and that you may write to it, then run it again"),
        3,
    ),
    "NotBuiltError": (
        message("the image {image} changed while it was built"),
        message("Run it again"),
        3,
    ),
}
