"""Settings of every JupyterLab in the lab. Installed read-only in the environment.

What frames the page (Content-Security-Policy) and who may sign in is the hub's business, not
this file's.
"""

# Jupyter runs it by its path

import subprocess
import sys
from pathlib import Path

c = get_config()  # noqa: F821  # Jupyter gives it

# The front's host name reaches the server in the Host header.
c.ServerApp.allow_remote_access = True
c.ServerApp.open_browser = False
c.ServerApp.terminals_enabled = True

# Nothing calls outside by itself: no list of extensions, no news, no look for a newer version.
c.LabApp.extension_manager = "readonly"
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.news_url = None
c.LabApp.expose_app_in_browser = False
# It starts node at each start of the server, to look for language servers that are not there.
# Ours ends a server that nobody uses.
sys.path.append(str(Path(sys.prefix, "share", "vase-clos")))
c.ServerApp.jpserver_extensions = {"jupyter_lsp": False, "lab_idle": True}

# A trash folder would keep counting against the sandbox's disk after the person deleted.
c.FileContentsManager.delete_to_trash = False

# DuckDB reads its settings from the home only. In a process of its own, not waited for: the
# server need not carry DuckDB in its memory, nor the person wait for it.
_home = Path(sys.prefix, "share", "vase-clos", "prepare_home.py")
if _home.exists():
    subprocess.Popen([sys.executable, "-I", str(_home)], stdin=subprocess.DEVNULL)
