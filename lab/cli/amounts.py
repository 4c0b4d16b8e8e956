"""Amounts of compute: as operators type them, as the wire carries them, as tables show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.domain.quantity import format_bytes, format_cpu, parse_bytes, parse_cpu

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Cpu = Annotated[str, typer.Option(help="Cores: 4, 0.5 or 500m.")]
Memory = Annotated[str, typer.Option(help="Memory: 8Gi or 512Mi.")]
Storage = Annotated[str, typer.Option(help="Storage: 50Gi.")]
Gpu = Annotated[int | None, typer.Option(min=0, help="Whole devices.")]
Sandboxes = Annotated[int | None, typer.Option(min=0, help="How many at once.")]
MaxDays = Annotated[
    int | None, typer.Option(min=1, help="The longest a sandbox may live, in days.")
]


def wire(
    *, cpu: str = "", memory: str = "", storage: str = "", gpu: int | None, sandboxes: int | None
) -> dict[str, int]:
    """Return what was given, as the wire carries it.

    Raises:
        BadParameter: An amount is written in no way we know.
    """
    found: dict[str, int] = {}
    given: tuple[tuple[str, str, Callable[[str], int]], ...] = (
        ("cpu_millicores", cpu, parse_cpu),
        ("memory_bytes", memory, parse_bytes),
        ("storage_bytes", storage, parse_bytes),
    )
    for name, text, parse in given:
        if text:
            try:
                found[name] = parse(text)
            except ValueError as error:
                raise typer.BadParameter(str(error)) from error
    counts = {"gpu_count": gpu, "sandboxes": sandboxes}
    return found | {name: count for name, count in counts.items() if count is not None}


def resources(amount: Mapping[str, Any]) -> str:
    """Write an amount in a few words."""
    words = [
        f"cpu {format_cpu(amount['cpu_millicores'])}",
        f"memory {format_bytes(amount['memory_bytes'])}",
        f"storage {format_bytes(amount['storage_bytes'])}",
    ]
    return ", ".join(words + ([f"gpu {amount['gpu_count']}"] if amount["gpu_count"] else []))


def row(amount: Mapping[str, Any]) -> tuple[str, ...]:
    """Write an amount as cells: cpu, memory, storage, gpu, sandboxes."""
    return (
        format_cpu(amount["cpu_millicores"]),
        format_bytes(amount["memory_bytes"]),
        format_bytes(amount["storage_bytes"]),
        str(amount["gpu_count"]),
        str(amount["sandboxes"]),
    )
