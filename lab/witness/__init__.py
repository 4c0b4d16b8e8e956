"""What listens on every node, so that the proof of a sandbox's walls is seen from both ends.

A witness stands for another sandbox's pod: it listens on the ports that such pods
and the lab's services use, and counts what reaches it. Probes send
``<nonce>:<name>``; only nonces that the control plane has announced are counted,
so nobody else can fill its memory or push a count out of it.
"""
