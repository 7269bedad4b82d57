"""Heights of a file brought into the city's vertical datum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twin.heights import UNKNOWN, HeightStep, datum_named, height_step
from twin.ingest._job import Job
from twin.ingest._shapes import Shapes
from twin.vertical import vertical_datum_of

LEVELS = ("ground_z_m", "invert_z_m", "low_z_m", "z_m", "z_from_m", "z_to_m")
"""Fields that are heights above the datum; depths and heights above ground are not."""


@dataclass
class Heights:
    """Moves the heights of one file, as its frame or the caller says what they are above."""

    job: Job
    crs: str
    """The file's frame."""

    @cached_property
    def step(self) -> HeightStep | None:
        """The way into the city's datum; asked for when the first height comes."""
        job = self.job
        given = job.heights
        if given is None and job.datum is None:
            given = vertical_datum_of(self.crs)
            if given is not None and datum_named(job.vertical_datum) == UNKNOWN:
                job.tally.note(
                    f"heights are above {given}, by the file's frame; the city does not say what "
                    "its own are above, so they are taken as they are"
                )
                given = None
        step = height_step(given, job.vertical_datum, job.geoid, job.frame.name)
        if step is not None:
            job.tally.note(
                f"heights moved from {datum_named(given or '')} to "
                f"{datum_named(job.vertical_datum)} by {step.grid.name}"
            )
        return step

    def lift(
        self, shapes: Shapes, pick: NDArray[np.int64], values: dict[str, pa.Array], *, with_z: bool
    ) -> Shapes:
        """Return geometries in the city's frame with heights in its datum, and move the levels.

        Parameters
        ----------
        shapes : Shapes
            The geometries of a chunk, in the city's frame.
        pick : ndarray of int, shape (n,)
            Which of them belongs to each row.
        values : dict of str to pyarrow.Array
            The chunk's fields; those of `LEVELS` are changed.
        with_z : bool
            Whether the table keeps the heights of geometries.
        """
        levels = [n for n in LEVELS if n in values and values[n].null_count < len(values[n])]
        solid = with_z and bool(shapes.has_z.any())
        if not (levels or solid) or self.step is None:
            return shapes
        if levels:
            boxes = shapes.boxes()[pick]
            known = np.isfinite(boxes).all(1)
            shift = np.zeros(len(pick))
            shift[known] = self.step.shift_m(boxes[known, 0], boxes[known, 1])
            for name in levels:
                values[name] = pc.add(values[name], pa.array(shift))
        if not solid:
            return shapes
        with_heights = np.repeat(shapes.has_z, np.diff(shapes.starts))
        z = shapes.z.copy()
        z[with_heights] += self.step.shift_m(shapes.x[with_heights], shapes.y[with_heights])
        return shapes.lifted(z)
