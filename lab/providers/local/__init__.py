"""The place and the walls on one machine: bubblewrap, seccomp, cgroups, doors."""
