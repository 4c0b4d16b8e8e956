"""The tracking server's process: MLflow's own application, one worker, databases ready first."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path

UNUSED = ("polars", "pyarrow", "scipy")
"""Imported by parts of MLflow that a server without gateway and jobs never runs: 60 MB."""


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key-file", type=Path, required=True)
    options = parser.parse_args()
    os.umask(0o077)
    # MLflow reads it from its environment only; here it never leaves this process.
    os.environ["MLFLOW_FLASK_SERVER_SECRET_KEY"] = options.key_file.read_text().strip()

    for name in UNUSED:
        sys.modules[name] = None  # type: ignore[assignment]  # makes importing it an ImportError
    import uvicorn  # noqa: PLC0415  MLflow decides at import, from the environment, what it is
    from mlflow.server.auth import create_app  # noqa: PLC0415
    from mlflow.server.handlers import initialize_backend_stores  # noqa: PLC0415

    store = os.environ["_MLFLOW_SERVER_FILE_STORE"]
    initialize_backend_stores(store, store, os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"])
    app = create_app()
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
