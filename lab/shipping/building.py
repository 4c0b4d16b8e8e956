"""Builds and pushes images: only what changed, several at once, in the order they need."""

from __future__ import annotations

import functools
import re
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from lab.shipping import context, gobinary, locked, record, reference, sbom
from lab.shipping.catalogue import argument
from lab.shipping.context import Context
from lab.shipping.errors import NotBuiltError
from lab.shipping.shipped import Shipped
from lab.shipping.turn import alone
from lab.shipping.wheels import Wheelhouse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lab.shipping.catalogue import Catalogue, ImageSpec
    from lab.shipping.engine import Engine
    from lab.shipping.locked import Requirement
    from lab.shipping.shipped import Reporter

_ARGUMENT = re.compile(r"^ARG (\w+)", re.MULTILINE)


class Yard:
    """Where images are built.

    Args:
        base: What the images start from, by the engine's name for it.
        given: Programs from outside the repository, by name.
        jobs: How many images at once.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        engine: Engine,
        reporter: Reporter,
        *,
        base: str,
        given: Mapping[str, Path],
        jobs: int,
    ) -> None:
        self._catalogue, self._engine, self._reporter = catalogue, engine, reporter
        self._base, self._given, self._jobs = base, given, jobs
        architecture = engine.architecture
        machine = locked.MACHINES.get(architecture, architecture)
        self._target = locked.Target(python=catalogue.python, machine=machine)
        self._contexts: dict[str, Context] = {}
        self._contents: dict[str, str] = {}
        self._noting = threading.Lock()
        self._scratch = catalogue.root / ".build" / "images"

    def contexts(self, specs: Sequence[ImageSpec]) -> dict[str, Context]:
        """Return what each image is made of now; what they start from is looked at first."""
        root = self._catalogue.root
        whole = self._catalogue.chosen([spec.name for spec in specs]) if specs else ()
        tools = locked.tools(root, self._target) if any(spec.lock for spec in whole) else ()
        for spec in whole:
            if spec.name not in self._contexts:
                self._contexts[spec.name] = Context(
                    spec=spec,
                    target=self._target,
                    files=context.collect(root, spec, self._given),
                    requirements=locked.requirements(root, spec, self._target),
                    tools=tools if spec.lock else (),
                    bases=self._bases(spec),
                )
                self._contents[spec.name] = self._contexts[spec.name].content()
        return {spec.name: self._contexts[spec.name] for spec in specs}

    def build(self, specs: Sequence[ImageSpec]) -> tuple[Shipped, ...]:
        """Build what is not built yet; return all, in the order given.

        Raises:
            ShippingError: One cannot be built; nothing more is started then.
        """
        contexts = self.contexts(specs)
        contents = {name: self._contents[name] for name in contexts}
        missing = {
            name
            for name, content in contents.items()
            if self._engine.find(reference.local(name, content)) is None
        }
        wheels = self._wheels([contexts[name] for name in contexts if name in missing])

        def one(name: str) -> Shipped:
            began, local = time.monotonic(), reference.local(name, contents[name])
            if name in missing:
                waiting = functools.partial(self._reporter.show, name, "waiting", 0)
                with alone(self._scratch, name, waiting):
                    if self._engine.find(local) is None:  # else another command built it
                        self._build(contexts[name], contents[name], local, wheels, began)
            built = self._engine.find(local)
            if built is None:
                raise NotBuiltError(image=name)
            self._describe(contexts[name], contents[name], local)
            seconds = time.monotonic() - began
            self._reporter.show(name, "built" if name in missing else "unchanged", seconds)
            return Shipped(
                name=name,
                is_new=name in missing,
                name_there=local,
                content=contents[name],
                size=built.size,
                seconds=seconds,
            )

        return self._all(specs, one)

    def look(self, specs: Sequence[ImageSpec]) -> tuple[Shipped, ...]:
        """Return what is built already; the size of what is not is 0."""
        self.contexts(specs)
        found = []
        for spec in specs:
            content = self._contents[spec.name]
            local = reference.local(spec.name, content)
            built = self._engine.find(local)
            found.append(
                Shipped(
                    name=spec.name,
                    is_new=False,
                    name_there=local,
                    content=content,
                    size=built.size if built else 0,
                    seconds=0,
                )
            )
        return tuple(found)

    def push(self, specs: Sequence[ImageSpec], registry: str, to: Path) -> tuple[Shipped, ...]:
        """Push what the registry has not; note the digests in a file.

        Raises:
            NotBuiltError: One is not built from what is here now.
            PushFailedError: The registry refused one; the others are noted.
        """
        self.contexts(specs)
        contents = self._contents
        known = record.read(to)
        there = dict(known.images) if known.registry == registry else {}

        def one(name: str) -> Shipped:
            began, content = time.monotonic(), contents[name]
            local = reference.local(name, content)
            built = self._engine.find(local)
            if built is None:
                raise NotBuiltError(image=name)
            before = there.get(name)
            is_there = (
                before is not None
                and before.content == content
                and self._engine.is_remote(reference.parse(before.reference))
            )
            if before is not None and is_there:
                where = before.reference
            else:
                remote = reference.remote(registry, name, content)
                self._reporter.show(name, "pushing", 0)
                digest = self._engine.push(
                    name, local, remote, lambda step: self._step(name, "pushing", step, began)
                )
                where = f"{remote.repository}@{digest}"
            seconds = time.monotonic() - began
            self._reporter.show(name, "present" if is_there else "pushed", seconds)
            pushed = record.Pushed(reference=where, content=content, size=built.size)
            with self._noting, alone(self._scratch, "digests"):
                known = record.read(to)  # others write it too
                known.put(registry, name, pushed)
                record.write(to, known)
            return Shipped(
                name=name,
                is_new=not is_there,
                name_there=where,
                content=content,
                size=built.size,
                seconds=seconds,
            )

        return self._all(specs, one, ordered=False)

    def _bases(self, spec: ImageSpec) -> dict[str, tuple[str, str]]:
        """Return what each argument of the Dockerfile stands for."""
        if spec.on:
            found = {}
            for name in spec.on:
                content = self._contents[name]
                found[argument(name)] = (reference.local(name, content), content)
            if spec.lock:
                found["FLOOR"] = found[argument(spec.on[-1])]
            return found
        text = (self._catalogue.root / spec.dockerfile).read_text("utf-8")
        if "BASE" in _ARGUMENT.findall(text):
            return {"BASE": (self._base, self._engine.base_id(self._base))}
        return {}

    def _wheels(self, contexts: Sequence[Context]) -> dict[Requirement, Path]:
        wanted = [package for each in contexts for package in (*each.requirements, *each.tools)]
        if not wanted:
            return {}
        began = time.monotonic()
        folder = self._catalogue.root / ".build" / "wheels"
        house = Wheelhouse(
            folder, lambda count: self._step("wheels", "fetching", str(count), began)
        )
        with alone(self._scratch, "wheels"):
            return house.ensure(wanted, self._target)

    def _build(
        self,
        made_of: Context,
        content: str,
        local: str,
        wheels: Mapping[Requirement, Path],
        began: float,
    ) -> None:
        name = made_of.spec.name
        self._reporter.show(name, "building", 0)
        archive = self._scratch / f"{name}.tar"
        try:
            made_of.write(archive, wheels)
            self._engine.build(
                name,
                archive,
                tag=local,
                dockerfile=made_of.spec.dockerfile,
                arguments=made_of.arguments(),
                content=content,
                say=lambda step: self._step(name, "building", step, began),
            )
        finally:
            archive.unlink(missing_ok=True)

    def _describe(self, made_of: Context, content: str, local: str) -> None:
        """Write the image's bill of materials, unless it is written."""
        path = self._catalogue.root / ".build" / "sbom" / f"{made_of.spec.name}.cdx.json"
        if path.is_file() and f'"{content}"' in path.read_text("utf-8"):
            return
        status = self._engine.read(local, sbom.STATUS) or b""
        programs = [self._engine.read(local, each) or b"" for each in made_of.spec.go]
        text = sbom.describe(
            made_of.spec.name,
            content,
            python=self._packages(made_of.spec),
            debian=sbom.debian_packages(status.decode("utf-8")),
            go={module for each in programs for module in gobinary.from_bytes(each)},
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def _packages(self, spec: ImageSpec) -> tuple[Requirement, ...]:
        """Return what is installed in an image."""
        below = [each for name in spec.on for each in self._packages(self._contexts[name].spec)]
        return (*below, *self._contexts[spec.name].requirements)

    def _step(self, name: str, state: str, step: str, began: float) -> None:
        self._reporter.show(name, f"{state} {step}", time.monotonic() - began)

    def _all(
        self, specs: Sequence[ImageSpec], one: Callable[[str], Shipped], *, ordered: bool = True
    ) -> tuple[Shipped, ...]:
        """Do one thing for each image, an image after those that it starts from."""
        waiting, done = list(specs), dict[str, Shipped]()
        running: dict[Future[Shipped], str] = {}
        with ThreadPoolExecutor(self._jobs) as pool:
            while waiting or running:
                for spec in tuple(waiting):
                    if not ordered or all(name in done for name in spec.on):
                        waiting.remove(spec)
                        running[pool.submit(one, spec.name)] = spec.name
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for each in finished:
                    name = running.pop(each)
                    try:
                        done[name] = each.result()
                    except BaseException:
                        pool.shutdown(wait=True, cancel_futures=True)
                        raise
        return tuple(done[spec.name] for spec in specs)
