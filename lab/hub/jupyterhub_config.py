"""The file JupyterHub is started with. What it sets is in ``lab.hub.setup``."""

from __future__ import annotations

import os

from traitlets.config import get_config

from lab.hub import on_cluster, setup

os.umask(0o077)
_config = on_cluster.configuration()
_config.hub_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
c = get_config()
for _section, _values in setup.traits(_config).items():
    c[_section].update(_values)
