"""Components and events: what their columns must say together, and what an event is about."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twin.model.components import EVENT_STATUSES

_CODE = "^[0-9]{16}$"

TIED = """
    -- A component is called by its code, or by its number in its source if only one has it.
    UPDATE load_stage SET component_id = coalesce(
        (SELECT min(id) FROM twin.component WHERE component.code = load_stage.component),
        (SELECT min(id) FROM twin.component
         WHERE component.source_id = load_stage.component HAVING count(*) = 1)
    )
    WHERE component IS NOT NULL
"""

LOOSE = """
    SELECT count(*) FROM load_stage WHERE component IS NOT NULL AND component_id IS NULL
"""


def contradictions(layer: str, values: dict[str, pa.Array]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return where the fields of a row contradict each other, and which rows, shape (n,).

    Examples
    --------
    >>> said = {"code": pa.array(["4405070104000001"]), "class_code": pa.array(["4405070118"])}
    >>> [(reason, where.tolist()) for reason, where in contradictions("component", said)]
    [('code and class code are of different classes', [True])]
    """
    if layer == "component" and {"code", "class_code"} <= values.keys():
        return _found("code and class code are of different classes", _of_two_classes(values))
    if layer != "event" or "reported_at" not in values:
        return []
    found = []
    for status in EVENT_STATUSES[1:]:
        at = values.get(f"{status}_at")
        if at is not None:
            found += _found(f"{status}_at before reported_at", pc.less(at, values["reported_at"]))
    return found


def class_codes(values: dict[str, pa.Array]) -> pa.Array:
    """Return the class code of each component: as it is said, else the beginning of its code."""
    code = values["code"]
    own = pc.if_else(
        _is_long(code), pc.utf8_slice_codeunits(code, 0, 10), pa.scalar(None, pa.string())
    )
    said = values.get("class_code")
    return own if said is None else pc.coalesce(said, own)


def _of_two_classes(values: dict[str, pa.Array]) -> pa.Array:
    code = values["code"]
    differ = pc.not_equal(pc.utf8_slice_codeunits(code, 0, 10), values["class_code"])
    return pc.and_(_is_long(code), differ)


def _is_long(code: pa.Array) -> pa.Array:
    return pc.match_substring_regex(code, _CODE)


def _found(reason: str, where: pa.Array) -> list[tuple[str, NDArray[np.bool_]]]:
    mask = pc.fill_null(where, False).to_numpy(zero_copy_only=False)
    return [(reason, mask)] if mask.any() else []
