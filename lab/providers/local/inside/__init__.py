"""What runs inside a sandbox beside the person's program. Standard library only.

The folder is bound read-only into every sandbox and run by the interpreter
that is there: nothing here may import the rest of the lab.
"""
