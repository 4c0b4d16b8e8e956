"""Simulated nodes and pods on the real API server, for questions of scale."""
