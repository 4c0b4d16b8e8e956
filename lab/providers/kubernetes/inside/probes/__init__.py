"""What tries the walls from inside. Standard library only.

Each trial is a small function that tries one thing. It returns a sentence when the
thing worked, and raises OSError when it was refused.
"""
