"""A sandbox's only doors: what it may say to the hub, to tracking and to storage."""
