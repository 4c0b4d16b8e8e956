"""Let DuckDB read `s3://` from the preset environment, with nothing to type.

DuckDB looks for its extensions and its secrets in the home, and takes neither the address of
the object store nor its path style from the environment (boto3, s3fs and polars do). So, at
each start of the notebook server:

* the S3 extension of this environment is linked into ~/.duckdb (nothing is downloaded);
* the preset AWS_* values are written as a DuckDB secret, readable by this person only.

The values open the sandbox's own door and nothing else.
"""

# run by its path

import os
import sysconfig
from pathlib import Path
from urllib.parse import urlsplit

import duckdb


def link_extension(home: Path) -> None:
    """Put the environment's S3 extension where DuckDB looks for it."""
    version, platform = duckdb.sql(
        "SELECT library_version, (SELECT platform FROM pragma_platform()) FROM pragma_version()"
    ).fetchone()
    library = Path(sysconfig.get_paths()["purelib"])
    name = "httpfs.duckdb_extension"
    carried = library / "duckdb_extension_httpfs" / "extensions" / version / name
    link = home / ".duckdb" / "extensions" / version / platform / name
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f".{name}.{os.getpid()}")
    fresh.symlink_to(carried)
    fresh.replace(link)


def write_secret() -> None:
    """Write the preset S3 settings as DuckDB's default secret, replacing the last one."""
    parts = ["TYPE s3", "PROVIDER config"]
    values = {
        "KEY_ID": os.environ.get("AWS_ACCESS_KEY_ID"),
        "SECRET": os.environ.get("AWS_SECRET_ACCESS_KEY"),
        "SESSION_TOKEN": os.environ.get("AWS_SESSION_TOKEN"),
        "REGION": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
    }
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        where = urlsplit(endpoint)
        values["ENDPOINT"] = where.netloc
        values["URL_STYLE"] = "path"
        parts.append(f"USE_SSL {str(where.scheme == 'https').lower()}")
    for name, value in values.items():
        if value:
            escaped = value.replace("'", "''")
            parts.append(f"{name} '{escaped}'")
    duckdb.sql(f"CREATE OR REPLACE PERSISTENT SECRET stockage ({', '.join(parts)})")


link_extension(Path.home())
if os.environ.get("AWS_ACCESS_KEY_ID"):
    write_secret()
