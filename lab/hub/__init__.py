"""What JupyterHub loads: authenticator and spawner."""
