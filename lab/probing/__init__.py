"""What the probes of every runtime share. Standard library only.

It is shown inside a sandbox under its own name, with nothing of the rest of the lab
beside it: each runtime keeps its aims, and what only it can try.
"""
