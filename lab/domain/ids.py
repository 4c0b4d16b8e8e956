"""Identifiers. Opaque: made by us, never parsed, never built from what a person typed."""

from __future__ import annotations

from typing import NewType

AgencyId = NewType("AgencyId", str)
"""Short code chosen by an operator, for example ``rft``; ``[a-z][a-z0-9-]{1,19}``."""

MemberId = NewType("MemberId", str)
"""``m-`` and 10 hexadecimal digits; also the member's name in JupyterHub."""

RequestId = NewType("RequestId", str)
"""``rq-`` and 10 hexadecimal digits."""

DraftId = NewType("DraftId", str)
"""``rd-`` and 10 hexadecimal digits; the reference number of a request being written."""

SandboxId = NewType("SandboxId", str)
"""``sb-`` and 10 hexadecimal digits; also the server name in JupyterHub and the bucket's name."""

DatasetId = NewType("DatasetId", str)
"""Slug chosen by whoever publishes it, for example ``demandes-prestations``."""

IntakeId = NewType("IntakeId", str)
"""``in-`` and 10 hexadecimal digits."""

RunId = NewType("RunId", str)
"""``run-`` and 10 hexadecimal digits."""

TemplateId = NewType("TemplateId", str)
ProfileId = NewType("ProfileId", str)
