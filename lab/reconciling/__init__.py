"""The loop as a process of its own: several may run, the one with the lease works."""
