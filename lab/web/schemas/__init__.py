"""The wire: JSON shapes, one module per noun. Unknown fields are refused."""
