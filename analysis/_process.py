"""The contract of an analysis: what it asks, what it answers, and what the answer draws."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from twin.database import City


class Text(BaseModel):
    """One text in both languages."""

    model_config = ConfigDict(frozen=True)

    zh: str
    en: str


class Inputs(BaseModel):
    """What a caller says; a name that is not asked for is refused, and so is NaN."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Given(BaseModel):
    """One input as it was used: the value, its unit, and where it came from."""

    value: Any
    unit: str | None = None
    source: str = "request"


class Model(BaseModel):
    """The method of an answer."""

    name: str
    standard: str = Field(description="where the method is described")
    version: str
    uncertainty: Text = Field(description="what is known of low and high beside the best value")


class Validity(BaseModel):
    """Whether the method was made for this case; an answer outside is given, and flagged."""

    in_range: bool = True
    violated: list[Text] = []


class Outputs(BaseModel):
    """What every answer says, whatever was asked."""

    run_id: UUID | None = Field(default=None, description="the stored run")
    analysis: str = ""
    model: Model
    inputs: dict[str, Given]
    validity: Validity = Validity()
    features_url: str | None = Field(default=None, description="the features of this answer")
    elapsed_s: float = 0.0

    _drawn: "list[Feature]" = PrivateAttr(default_factory=list)

    @property
    def features(self) -> "Sequence[Feature]":
        """What the answer draws on the map; stored as rows, not part of the document."""
        return self._drawn

    def draw(self, features: "Sequence[Feature]") -> Self:
        """Add features to the answer, and return it."""
        self._drawn.extend(features)
        return self


@dataclass(frozen=True)
class Feature:
    """A feature of an answer, to be stored as a row of ``analysis_feature``."""

    role: str
    wkb: bytes
    """Geometry in the city's frame, metres."""
    name: str | None = None
    class_code: str | None = None
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Analysis:
    """A question with typed inputs and outputs; ``run`` is its only entrance."""

    id: str
    title: Text
    description: Text
    inputs: type[Inputs]
    outputs: type[Outputs]
    run: Callable[[City, Any], Outputs]
    source: str
    """Where the method is described; an analysis without a source is not accepted."""
    version: str


GeoJSON = Annotated[
    dict[str, Any],
    Field(
        description="GeoJSON geometry, longitude and latitude (OGC:CRS84)",
        json_schema_extra={"format": "geojson-geometry"},
    ),
]
