"""A real two-node Kubernetes for the tests, in network namespaces of its own."""
