"""The driver of the cluster: plan, keys, network, processes, parts."""
