"""The other arm: one library, in the environment of the libraries, asked by lines of JSON.

Run by ``.build/oracles/bin/python``, never imported: nothing here may import the lab. Each line
read asks for one piece of work; each line written gives its figures and the seconds it took,
reading of files left out.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd


def synthesise(asked: dict[str, Any]) -> dict[str, Any]:
    """dpmm, on a table of words whose domain is declared: nothing is spent on finding it."""
    from dpmm.pipelines import AIMPipeline, MSTPipeline  # noqa: PLC0415  one library a process

    words = {name: [str(one) for one in values] for name, values in asked["domain"].items()}
    table = pd.read_parquet(asked["source"]).astype("category")
    domain = {name: {"categories": values} for name, values in words.items()}
    pipeline = {"mst": MSTPipeline, "aim": AIMPipeline}[asked["model"]](
        epsilon=asked["epsilon"], delta=asked["delta"], proc_epsilon=None, **asked["settings"]
    )

    def run() -> Any:
        pipeline.fit(table, domain=domain, random_state=asked["seed"])
        return pipeline.generate(n_records=len(table), random_state=asked["seed"])

    made, took = _timed(run)
    made.astype(str)[list(words)].to_parquet(asked["target"], index=False)
    return took


def single_out(asked: dict[str, Any]) -> dict[str, Any]:
    """Anonymeter; its own predicates come back, so that they can be counted a second time."""
    from anonymeter.evaluators import SinglingOutEvaluator  # noqa: PLC0415  one library a process

    evaluators: list[Any] = []
    tables = [pd.read_parquet(asked[name]) for name in ("source", "released", "control")]

    def run() -> Any:
        evaluator = SinglingOutEvaluator(
            *tables[:2],
            control=tables[2],
            n_attacks=asked["attacks"],
            n_cols=asked["columns"],
            seed=asked["seed"],
        )
        # What it measures with, kept: it forgets the predicates that failed.
        evaluators.append(evaluator)
        return evaluator.evaluate(mode="multivariate")

    kept: list[Any] = []
    _keep_queries(kept)
    done, took = _timed(run)
    risk = done.risk()
    return took | {
        "tried": done._n_attacks,
        "successes": done._n_success,
        "control": done._n_control,
        "risk": [risk.value, *risk.ci],
        "predicates": [str(query) for query in kept],
    }


def _keep_queries(kept: list[Any]) -> None:
    from anonymeter.evaluators import singling_out_evaluator as module  # noqa: PLC0415  the same

    made = getattr(module, "_made", module._generate_singling_out_queries)
    module._made = made

    def generate(**asked: Any) -> list[Any]:
        kept[:] = made(**asked)
        return kept

    module._generate_singling_out_queries = generate


def _timed(run: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    start, before = time.perf_counter(), _processor()
    found = run()
    return found, {"seconds": time.perf_counter() - start, "cpu": _processor() - before}


def _processor() -> float:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, whose))


def main() -> None:
    """Answer until there is nothing more to read."""
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries print too
    np.random.seed(0)  # noqa: NPY002  what a library draws without being given a seed
    for line in sys.stdin:
        asked = json.loads(line)
        work = {"synthesise": synthesise, "single_out": single_out}[asked["work"]]
        try:
            said = work(asked)
        except Exception as error:
            said = {"failed": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(said) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
