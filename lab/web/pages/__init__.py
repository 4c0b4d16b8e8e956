"""The portal: one module per noun."""

ROUTERS = ()
