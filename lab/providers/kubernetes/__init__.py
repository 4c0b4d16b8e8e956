"""Sandboxes on a cluster: a namespace each, its walls, and what its pods are made of."""
