"""Values that a released table may stand for, so that it can be compared with the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lab.data.measure.coding import Scale, Values


def decode(scale: Scale, released: Values, rng: np.random.Generator) -> Values:
    """Give each released row one value that its label allows, drawn evenly.

    That is what somebody who works with the released table can know: it makes generalised and
    synthetic tables comparable with the unprotected one by the same measures.
    """
    if scale.spans is not None:
        low, high = scale.spans[released, 0], scale.spans[released, 1]
        return np.asarray(low + (high - low) * rng.random(len(released)))
    if scale.covers is None:
        return released
    order = np.argsort(~scale.covers, axis=1, kind="stable")
    sizes = scale.covers.sum(axis=1)
    drawn = (rng.random(len(released)) * sizes[released]).astype(np.int64)
    return np.asarray(order[released, drawn], np.int64)
