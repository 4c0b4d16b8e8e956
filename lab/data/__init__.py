"""Data that may enter: made, described, checked, published."""
