"""Amounts of compute, in one unit each.

People and Kubernetes write one quantity in many ways (``500m``, ``0.5``,
``1Gi``). We convert at the edge and carry integers inside: millicores and bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KIB = 1024
MIB = 1024**2
GIB = 1024**3

_SUFFIXES = {"": 1, "Ki": 1024, "Mi": MIB, "Gi": GIB, "Ti": 1024**4}
_SUFFIXES |= {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BYTES = re.compile(r"([0-9]{1,15})(Ki|Mi|Gi|Ti|k|M|G|T)?", re.ASCII)
_CPU = re.compile(r"([0-9]{1,6})m|([0-9]{1,4})(?:\.([0-9]{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Resources:
    """An amount of compute that is asked for, granted or used.

    Attributes:
        cpu_millicores: 1000 is one core.
        memory_bytes: Bytes, not Mi or Gi.
        storage_bytes: Bytes of persistent home plus bucket.
        gpu_count: Whole devices.
    """

    cpu_millicores: int = 0
    memory_bytes: int = 0
    storage_bytes: int = 0
    gpu_count: int = 0

    def __post_init__(self) -> None:
        """Reject negative amounts, which no caller can mean."""
        if min(self.cpu_millicores, self.memory_bytes, self.storage_bytes, self.gpu_count) < 0:
            msg = f"resources must be greater than or equal to 0: {self!r}"
            raise ValueError(msg)

    def __add__(self, other: Resources) -> Resources:
        """Sum each unit on its own."""
        return Resources(
            self.cpu_millicores + other.cpu_millicores,
            self.memory_bytes + other.memory_bytes,
            self.storage_bytes + other.storage_bytes,
            self.gpu_count + other.gpu_count,
        )

    def __str__(self) -> str:
        """Write it as Kubernetes would."""
        return (
            f"cpu {format_cpu(self.cpu_millicores)}, memory {format_bytes(self.memory_bytes)}, "
            f"storage {format_bytes(self.storage_bytes)}, gpu {self.gpu_count}"
        )

    def less(self, other: Resources) -> Resources:
        """Return what is left after ``other`` is taken; never below 0."""
        return Resources(
            max(0, self.cpu_millicores - other.cpu_millicores),
            max(0, self.memory_bytes - other.memory_bytes),
            max(0, self.storage_bytes - other.storage_bytes),
            max(0, self.gpu_count - other.gpu_count),
        )

    def fits_in(self, limit: Resources) -> bool:
        """Tell whether every unit is within ``limit`` (inclusive)."""
        return (
            self.cpu_millicores <= limit.cpu_millicores
            and self.memory_bytes <= limit.memory_bytes
            and self.storage_bytes <= limit.storage_bytes
            and self.gpu_count <= limit.gpu_count
        )


def parse_cpu(text: str) -> int:
    """Read ``4``, ``0.5`` or ``500m`` as millicores.

    Raises:
        ValueError: It is written in no such way.
    """
    match = _CPU.fullmatch(text.strip())
    if match is None:
        msg = f"cpu must look like 2, 0.5 or 500m, not '{text}'"
        raise ValueError(msg)
    milli, whole, fraction = match.groups()
    return int(milli) if milli else int(whole) * 1000 + int((fraction or "").ljust(3, "0"))


def parse_bytes(text: str) -> int:
    """Read ``8Gi``, ``512Mi``, ``10G`` or a plain number as bytes.

    Raises:
        ValueError: It is written in no such way.
    """
    match = _BYTES.fullmatch(text.strip())
    if match is None:
        msg = f"an amount of memory must look like 8Gi or 512Mi, not '{text}'"
        raise ValueError(msg)
    return int(match[1]) * _SUFFIXES[match[2] or ""]


def format_cpu(millicores: int) -> str:
    """Write millicores the short way: ``4``, ``500m``."""
    return str(millicores // 1000) if millicores % 1000 == 0 else f"{millicores}m"


def format_bytes(count: int) -> str:
    """Write bytes with the largest suffix that loses nothing: ``8Gi``, ``1536Mi``."""
    for suffix in ("Ti", "Gi", "Mi", "Ki"):
        if count and count % _SUFFIXES[suffix] == 0:
            return f"{count // _SUFFIXES[suffix]}{suffix}"
    return str(count)
