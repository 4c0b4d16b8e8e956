"""Vase clos: ask for a sandbox, prove its walls, work in it, let nothing out unseen, take it down."""
