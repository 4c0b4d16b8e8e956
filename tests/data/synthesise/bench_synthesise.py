"""What `make bench-data` says of synthesis: time, quality, and the full audit."""

from __future__ import annotations

import sys
import time
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from lab.data.synthesise import TREE, Budget, Categories, Domain, Plan, synthesise
from lab.data.synthesise.audit import AUDITED, audit
from tests.data.synthesise import adult

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

EPSILON_ONE = Budget(1.0, 1e-5)
DPMM_TVD, DPMM_TSTR, DPMM_SECONDS = 0.060, 0.844, 166.0  # on the full table, 39,073 x 13
REPEATS = 3
AUDIT_RUNS = 1000


def pairs_tvd(one: pl.DataFrame, other: pl.DataFrame, domain: Domain) -> float:
    """Mean over pairs of columns of the total variation distance, on declared codes."""
    left, right, sizes = domain.encode(one), domain.encode(other), domain.sizes(one.columns)
    found = []
    for a, b in combinations(range(len(sizes)), 2):
        both = [
            np.bincount(codes[a] * sizes[b] + codes[b], minlength=sizes[a] * sizes[b])
            / codes.shape[1]
            for codes in (left, right)
        ]
        found.append(np.abs(both[0] - both[1]).sum() / 2.0)
    return float(np.mean(found))


def tstr(
    train: pl.DataFrame, test: pl.DataFrame, domain: Domain, model: Callable[[], Any]
) -> tuple[float, float]:
    """AUC and accuracy, on real rows that no synthesis saw, of salary learnt from `train`."""

    def features(table: pl.DataFrame) -> NDArray[np.float64]:
        codes, sizes = domain.encode(table), domain.sizes(table.columns)
        target = table.columns.index("salary-class")
        return np.hstack([
            np.eye(size)[codes[at]] for at, size in enumerate(sizes) if at != target
        ])

    learnt = model().fit(features(train), (train["salary-class"] == ">50K").to_numpy())
    truth = (test["salary-class"] == ">50K").to_numpy()
    chances = learnt.predict_proba(features(test))[:, 1]
    return float(roc_auc_score(truth, chances)), float(((chances > 0.5) == truth).mean())


def quality() -> None:
    table, domain = adult.table(), adult.domain()
    order = np.random.default_rng(0).permutation(table.height)
    cut = table.height * 4 // 5
    train, test = table[order[:cut]], table[order[cut:]]
    models = {
        "logistic": lambda: LogisticRegression(max_iter=300),
        "boosted": lambda: HistGradientBoostingClassifier(max_iter=60, random_state=0),
    }
    say(f"Adult, {train.height} x {table.width} (4/5; the rest tests), eps 1, delta 1e-5")
    say(f"  dpmm, on 39,073 x 13: TVD {DPMM_TVD}, TSTR {DPMM_TSTR}, {DPMM_SECONDS} s")
    say(f"  real rows against the held-out ones: TVD {pairs_tvd(train, test, domain):.4f}")
    for name, model in models.items():
        auc, accuracy = tstr(train, test, domain, model)
        say(f"  real rows, {name}: AUC {auc:.4f}, accuracy {accuracy:.4f}")
    plans = {"tree": TREE, "rich": Plan()}
    figures: dict[str, list[list[float]]] = {name: [] for name in plans}
    for repeat in range(REPEATS):
        for name, plan in plans.items():  # both arms interleaved
            began, cpu = time.perf_counter(), time.process_time()
            made = synthesise(train, domain, EPSILON_ONE, seed=repeat, plan=plan).table
            took = [time.perf_counter() - began, time.process_time() - cpu]
            close = [pairs_tvd(made, other, domain) for other in (train, test)]
            learnt = [one for m in models.values() for one in tstr(made, test, domain, m)]
            figures[name].append([*took, *close, *learnt])
    for name, rows in figures.items():
        mean, worst = np.mean(rows, axis=0), np.max(rows, axis=0)
        say(
            f"  {name}: {mean[0]:.2f} s ({mean[1]:.2f} s of CPU), TVD {mean[2]:.4f}"
            f" (worst {worst[2]:.4f}; to held-out {mean[3]:.4f}); TSTR logistic AUC"
            f" {mean[4]:.4f}, accuracy {mean[5]:.4f}; boosted AUC {mean[6]:.4f},"
            f" accuracy {mean[7]:.4f}; dpmm's time / ours {DPMM_SECONDS / mean[0]:.0f}"
        )


def speed() -> None:
    """The size of the published measure: 39,073 x 13, four columns made up from the others."""
    random = np.random.default_rng(1)
    table = adult.table().sample(39_073, with_replacement=True, seed=1)
    extra = {}
    for at in range(4):
        near = table["age"].to_numpy() // (7 + at) + random.integers(0, 4, table.height)
        extra[f"extra{at}"] = pl.Series([f"v{value}" for value in near])
    table = table.with_columns(**extra)
    column = Categories(values=tuple(f"v{value}" for value in range(20)), nullable=False)
    domain = Domain({**adult.domain().columns, **dict.fromkeys(extra, column)})
    took: dict[str, list[tuple[float, float]]] = {"tree": [], "rich": []}
    for repeat in range(3):
        for name, plan in (("tree", TREE), ("rich", Plan())):
            began, cpu = time.perf_counter(), time.process_time()
            synthesise(table, domain, EPSILON_ONE, seed=repeat, plan=plan)
            took[name].append((time.perf_counter() - began, time.process_time() - cpu))
    for name, seconds in took.items():
        wall, used = np.median(seconds, axis=0)
        say(f"  39,073 x 13, {name}: median {wall:.2f} s, {used:.2f} s of CPU")


def audits() -> None:
    say(f"Audit, {AUDIT_RUNS} syntheses on each side, declared eps {AUDITED.epsilon}")
    for columns in (1, 2):
        for factor in (1.0, 0.5):
            found = audit(AUDIT_RUNS, columns=columns, noise_factor=factor)
            word = "holds" if found.holds else "REFUTED"
            say(
                f"  {columns} column(s), noise x {factor}: eps >= {found.lower_bound:.3f}"
                f" at {found.confidence:.0%}: {word}"
            )


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    quality()
    speed()
    audits()


if __name__ == "__main__":
    main()
