"""What the core needs from the outside, as small protocols."""

from lab.ports.outside import CatalogueSource, Clock, Notebooks, Passwords, Provider, ServerState
from lab.ports.store import (
    Agencies,
    AuditTrail,
    Datasets,
    Filter,
    KeyRecord,
    Keys,
    Members,
    Outbox,
    Page,
    Requests,
    Sandboxes,
    Store,
    Tokens,
    Transaction,
)

__all__ = [
    "Agencies",
    "AuditTrail",
    "CatalogueSource",
    "Clock",
    "Datasets",
    "Filter",
    "KeyRecord",
    "Keys",
    "Members",
    "Notebooks",
    "Outbox",
    "Page",
    "Passwords",
    "Provider",
    "Requests",
    "Sandboxes",
    "ServerState",
    "Store",
    "Tokens",
    "Transaction",
]
