"""The tracking server's process: MLflow's own application, one worker, databases ready first.

On one machine the lab's supervisor starts it with ``--port`` and ``--key-file``, and
with MLflow's own environment. In a container it takes no argument and reads:

- ``LAB_TRACKING_ARTIFACTS``: ``s3://bucket``, ``s3://bucket/prefix``, or a folder;
- ``LAB_TRACKING_DATABASE_URL``: SQLAlchemy address (``postgresql+psycopg://…``), where the
  secret ``mlflow-database-url`` does not give it;
- ``LAB_TRACKING_STORAGE_URL`` (or ``MLFLOW_S3_ENDPOINT_URL``): the object store, where
  artifacts are in a bucket;
- ``LAB_TRACKING_STORAGE_ACCESS_KEY`` (or ``AWS_ACCESS_KEY_ID``): who the server is there,
  ``lab-tracking`` by default; ``LAB_TRACKING_STORAGE_REGION``: ``us-east-1`` by default;
- ``LAB_TRACKING_SECRETS_DIR``: one file per secret, ``/var/lib/lab/secrets`` by default;
- ``LAB_TRACKING_FOLDER``: a small private folder it may write, ``/tmp/tracking`` by default;
- ``LAB_TRACKING_HOSTS``: names with ports it may be called by, separated by commas,
  ``tracking:5000`` by default;
- ``LAB_TRACKING_LISTEN``: ``0.0.0.0`` by default, ``::`` for both families;
- ``LAB_TRACKING_PORT``: ``5000`` by default.

Secrets: ``mlflow-admin-password``; ``mlflow-secret``; ``mlflow-database-url``;
``mlflow-auth-database-url`` where identities have a database of their own; where artifacts
are in a bucket ``tracking-s3-key``, the server's own there, which may do nothing elsewhere
(``s3-admin-key`` where there is none). ``/health`` answers 200 once it takes requests,
whatever name it is called by.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path

from lab.sockets import listening

UNUSED = ("polars", "pyarrow", "scipy")
"""Imported by parts of MLflow that a server without gateway and jobs never runs: 60 MB."""


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int)
    parser.add_argument("--key-file", type=Path)
    options = parser.parse_args()
    os.umask(0o077)
    if options.port is None:
        host, port = _contained()
    else:
        # MLflow reads it from its environment only; here it never leaves this process.
        os.environ["MLFLOW_FLASK_SERVER_SECRET_KEY"] = options.key_file.read_text().strip()
        host, port = "127.0.0.1", options.port
    _serve(host, port)


def _contained() -> tuple[str, int]:
    from lab.providers.mlflow import standalone  # noqa: PLC0415  not needed on one machine

    try:
        os.environ.update(standalone.prepare(os.environ))
        standalone.await_bucket(os.environ, seconds=120)
    except (standalone.SettingsError, ValueError, OSError) as error:
        sys.exit(f"tracking: {error}")
    host = os.environ.get("LAB_TRACKING_LISTEN", "0.0.0.0")  # noqa: S104  a pod of its own
    return host, int(os.environ.get("LAB_TRACKING_PORT", "5000"))


def _serve(host: str, port: int) -> None:
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
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=5
    )
    # Our own socket: by itself the server would read :: as IPv6 alone.
    uvicorn.Server(config).run(sockets=[listening(host, port)])


if __name__ == "__main__":
    main()
