"""The sandbox's only doors: what it may say to tracking and storage."""
