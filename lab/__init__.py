"""Vase clos: ask for a sandbox, prove its walls, work in it, take it all down."""
