"""Figures in the words of Prometheus. Every label's values are few, and none is a person's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily

from lab.domain.hours import Metered
from lab.domain.sandbox import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prometheus_client import Metric

    from lab.domain.agency import Usage
    from lab.domain.figures import Backlog, Figures

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TIMES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STAGE_TIMES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)


class Traffic:
    """Requests of this process, counted."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "vaseclos_http_requests",
            "Requests, by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "vaseclos_http_request_duration_seconds",
            "How long answers took, by route.",
            ("route",),
            buckets=_TIMES,
            registry=self.registry,
        )

    def count(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer.

        Args:
            method: Anything but the usual ones is counted as ``other``.
            route: A route's template, never an address that somebody sent.
            status: Of the answer.
            seconds: From the first byte of the request to the last of the answer.
        """
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


def exposition(traffic: Traffic, figures: Figures, backlog: Backlog | None) -> bytes:
    """Write everything out.

    Args:
        traffic: Of this process.
        figures: Of the lab, whoever is asked.
        backlog: Of this process's loop; ``None`` where it has none.
    """
    registry = CollectorRegistry()
    registry.register(_Rows(figures, backlog))
    return generate_latest(traffic.registry) + generate_latest(registry)


class _Rows:
    def __init__(self, figures: Figures, backlog: Backlog | None) -> None:
        self._figures, self._backlog = figures, backlog

    def collect(self) -> Iterator[Metric]:
        figures = self._figures
        phases = _gauge("sandboxes", "Sandboxes that are not gone, by phase.", "phase")
        for found, count in figures.phases.items():
            phases.add_metric([found.value], count)
        yield phases
        took = GaugeHistogramMetricFamily(
            "vaseclos_stage_duration_seconds",
            "How long building took, for the sandboxes there are now, by stage.",
            labels=["stage"],
        )
        for stage in Stage:
            times = figures.took_seconds.get(stage, ())
            took.add_metric([stage.value], _buckets(times), sum(times))
        yield took
        failing = _gauge("stages_failing", "Stages whose last step failed.", "stage", "code")
        for (stage, code), count in figures.failing.items():
            failing.add_metric([stage.value, code], count)
        yield failing
        yield _one("sandboxes_uncontained", "Sandboxes open without proof.", figures.uncontained)
        yield _one(
            "proof_oldest_seconds",
            "Age of the oldest containment proof that a ready sandbox stands on.",
            figures.oldest_proof_seconds,
        )
        yield _one(
            "reconcile_unread_seconds",
            "Age of the oldest change that the loop has not read.",
            figures.unread_seconds,
        )
        if self._backlog is not None:
            queue = _gauge("reconcile_queue", "Sandboxes before the loop.", "state")
            queue.add_metric(["waiting"], self._backlog.waiting)
            queue.add_metric(["at_work"], self._backlog.at_work)
            queue.add_metric(["later"], self._backlog.later)
            yield queue
        yield from self._quotas()

    def _quotas(self) -> Iterator[Metric]:
        names = ("agency", "resource")
        limit = _gauge("quota_limit", "What an agency may hold at once.", *names)
        held = _gauge("quota_held", "What an agency holds now.", *names)
        for agency, usage in self._figures.quotas:
            for family, amounts in ((limit, agency.quota), (held, usage)):
                for name, value in _amounts(amounts):
                    family.add_metric([agency.id, name], value)
        yield limit
        yield held
        yield from self._budgets()

    def _budgets(self) -> Iterator[Metric]:
        share = _gauge(
            "budget_used_ratio",
            "Share of the month's hours that an agency has used; 1 is all of them.",
            "agency",
            "resource",
        )
        used = _gauge(
            "budget_used_hours",
            "Hours of the month that an agency with a budget has used.",
            "agency",
            "resource",
        )
        limit = _gauge(
            "budget_limit_hours", "Hours that an agency may use in a month.", "agency", "resource"
        )
        for account in self._figures.accounts:
            for metered in Metered:
                part, most = account.share(metered), account.budget.of(metered)
                if part is None or most is None:
                    continue
                labels = [account.agency_id, f"{metered.value}_hours"]
                share.add_metric(labels, part)
                used.add_metric(labels, account.used.thousandths(metered) / 1000)
                limit.add_metric(labels, most)
        yield share
        yield used
        yield limit


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"vaseclos_{name}", text, labels=labels)


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"vaseclos_{name}", text, value=value)


def _buckets(times: Sequence[float]) -> list[tuple[str, float]]:
    within = [(str(most), float(sum(t <= most for t in times))) for most in _STAGE_TIMES]
    return [*within, ("+Inf", float(len(times)))]


def _amounts(usage: Usage) -> Iterator[tuple[str, float]]:
    yield "cpu_cores", usage.resources.cpu_millicores / 1000
    yield "memory_bytes", usage.resources.memory_bytes
    yield "storage_bytes", usage.resources.storage_bytes
    yield "gpus", usage.resources.gpu_count
    yield "sandboxes", usage.sandboxes
