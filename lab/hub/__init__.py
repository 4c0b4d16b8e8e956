"""What JupyterHub loads, and what starts it and its proxy."""
