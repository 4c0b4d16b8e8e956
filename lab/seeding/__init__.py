"""What a lab has from its first start, on one machine and on a cluster."""
