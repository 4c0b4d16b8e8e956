"""That a large table fits in a small memory: it is read, then looked at for identifiers.

``python -m tests.data.ingest.bench_large [--size 2GB] [--most 512MiB]`` writes a CSV of that
size into a temporary folder, has a process of its own read and scan it as a dossier's first run
does, and prints the peak of that process's resident memory (``VmHWM`` of ``/proc``, mapped files
included) and its seconds. It ends with 1 where the peak passes the bound.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.data.ingest.bench_ingest import make_csv

_UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_MIB = 2**20


def bytes_of(text: str) -> int:
    """Read a size as a person writes it.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    found = re.fullmatch(r"(\d+)\s?(kB|[MG]B|[KMG]iB)", text)
    if found is None or not int(found[1]):
        raise argparse.ArgumentTypeError(f"'{text}' is no size; for instance 2GB or 512MiB")
    return int(found[1]) * _UNITS[found[2]]


def peak_bytes() -> int:
    """Return the most memory that this process ever had resident."""
    text = Path("/proc/self/status").read_text("ascii")
    return int(text.partition("VmHWM:")[2].split()[0]) * 1024


def child(source: Path) -> None:
    """Read and scan, and say after each what it took."""
    from lab.data.pipeline import TablePipeline  # noqa: PLC0415  in the measured process alone

    pipeline, table = TablePipeline(), source.with_name("table.parquet")
    _say("start", "", time.perf_counter())
    start = time.perf_counter()
    read = pipeline.read(source, table, name=source.name, tell=lambda _: None)
    _say("read", f"{read.row_count:,} rows", start)
    start = time.perf_counter()
    findings = pipeline.scan(table, tell=lambda _: None)
    hits = sum(bool(finding.hits) for finding in findings)
    _say("detect", f"{len(findings)} columns, {hits} with a hit", start)


def _say(step: str, what: str, start: float) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds, cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    sys.stdout.write(
        f"{step}: peak {peak_bytes() / _MIB:.0f} MiB; {seconds:.0f} s by the clock, "
        f"{cpu:.0f} s of processor so far{'; ' + what if what else ''}\n"
    )
    sys.stdout.flush()


def main() -> int:
    """Make the file, measure, and compare with the bound."""
    parser = argparse.ArgumentParser(prog="bench_large")
    parser.add_argument("--size", type=bytes_of, default=bytes_of("2GB"))
    parser.add_argument("--most", type=bytes_of, default=bytes_of("512MiB"))
    parser.add_argument("--folder", help="where the temporary folder is made")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        source = Path(folder) / "grand.csv"
        module = [sys.executable, "-m", __spec__.name]
        subprocess.run([*module, "make", str(source), str(given.size // 10**6)], check=True)
        sys.stdout.write(f"file: {source.stat().st_size / 1e6:,.0f} MB\n")
        sys.stdout.flush()
        with subprocess.Popen(
            [*module, "child", str(source)], stdout=subprocess.PIPE, text=True
        ) as process:
            peak = 0.0
            for line in process.stdout or ():
                sys.stdout.write(line)
                sys.stdout.flush()
                peak = max(peak, float(line.partition("peak ")[2].split()[0]))
        if process.returncode:
            return process.returncode
    is_kept = peak * _MIB <= given.most
    said = "kept" if is_kept else "PASSED"
    sys.stdout.write(f"bound of {given.most / _MIB:.0f} MiB: {said} ({peak:.0f} MiB)\n")
    return 0 if is_kept else 1


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["child", path]:
            child(Path(path))
        case ["make", path, megabytes]:
            make_csv(Path(path), int(megabytes))
        case _:
            sys.exit(main())
