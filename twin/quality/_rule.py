"""The contract of a rule: what it asks of the data, where that is from, and what it says."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from twin.crs import CityGeometry
from twin.database import City
from twin.errors import HouseRuleError
from twin.model import located_tables
from twin.quality._scope import Scope
from twin.words import Words

Severity = Literal["error", "warning", "note"]
Standing = Literal["verified", "unverified", "own"]

_SEVERITIES = ("error", "warning", "note")
_STANDINGS = ("verified", "unverified", "own")


class Parameter(NamedTuple):
    """A number that a rule measures against."""

    name: str
    value: float
    unit: str | None
    """SI; None where it has no dimension."""
    means: Words


class Finding(NamedTuple):
    """One place where the data break a rule."""

    layer: str
    """The feature's table."""
    feature_id: int
    other_layer: str | None = None
    """The table of a second feature, where it takes two to break the rule."""
    other_id: int | None = None
    part: str | None = None
    """What tells several findings of one feature apart."""
    place: CityGeometry | None = None
    """Where to look; the feature itself if not given."""
    value: float | None = None
    """What was measured."""
    limit_value: float | None = None
    """What the rule allows."""
    about: Mapping[str, Any] | None = None
    """What else the rule's words speak of."""


Check = Callable[[City, Scope], Iterable[Finding]]


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule that the data should keep.

    Attributes
    ----------
    id : str
        The file's name with hyphens.
    title : Words
        What it is called.
    asks : Words
        What the data should be, in a sentence.
    tables : tuple of str
        The tables whose rows it judges; a load of others does not ask for it.
    severity : {"error", "warning", "note"}
        An error is wrong for certain, a warning is most likely wrong, a note is worth a look.
    source : str
        The standard, or the reasoning, it is from.
    status : {"verified", "unverified", "own"}
        Whether the source was read (verified), is quoted from memory (unverified), or is ours.
    says : Words
        What a finding says; names in braces are filled in: ``value``, ``limit``, the parameters,
        and what `Finding.about` holds.
    check : str, mapping of str to str, or callable
        One SQL statement, one for each table, or a function.  A statement is run once for each
        table: ``{layer}`` is its name, ``{rows}`` its rows in scope, those that are no more
        (``removed``) left out, ``{all_rows}`` with them; parameters are bound by name.  Its columns
        are some of those of `Finding` but ``layer``, ``feature_id`` among them; ``place`` is a
        geometry, ``about`` jsonb.  A function raises `NotFoundError` where the city lacks what the
        rule compares with.
    parameters : tuple of Parameter
        What it measures against.
    unit : str, optional
        The unit of ``value`` and ``limit_value``.
    why : mapping of str to Words
        Words for each ``part`` that findings have; the rule's own speak of them as ``{why.zh}``
        and ``{why.en}``.
    whole : bool
        Whether it always judges all rows: what it finds in some depends on the others.
    reads : tuple of str
        Tables that it compares with; a load of these asks for it, too, if it is whole.
    after_load : bool
        Whether it is asked after each load, or only of a layer and of the city.
    """

    id: str
    title: Words
    asks: Words
    tables: tuple[str, ...]
    severity: Severity
    source: str
    status: Standing
    says: Words
    check: str | Mapping[str, str] | Check
    parameters: tuple[Parameter, ...] = ()
    unit: str | None = None
    why: Mapping[str, Words] = field(default_factory=dict)
    whole: bool = False
    reads: tuple[str, ...] = ()
    after_load: bool = True
    values: Mapping[str, float] = field(init=False, default_factory=dict)
    """The parameters by name."""

    def __post_init__(self) -> None:
        """Refuse a rule about tables that there are not, or without its source."""
        unknown = {*self.tables, *self.reads} - set(located_tables())
        if unknown or not self.tables:
            raise HouseRuleError(f"rule {self.id!r} is about no such table: {sorted(unknown)}")
        if self.severity not in _SEVERITIES or self.status not in _STANDINGS:
            raise HouseRuleError(f"rule {self.id!r}: {self.severity!r}, {self.status!r}?")
        if not self.source.strip():
            raise HouseRuleError(f"rule {self.id!r} names no source")
        if isinstance(self.check, Mapping) and set(self.check) != set(self.tables):
            raise HouseRuleError(f"rule {self.id!r} has statements for {sorted(self.check)}")
        object.__setattr__(self, "values", {each.name: each.value for each in self.parameters})

    def concerns(self, scope: Scope) -> bool:
        """Return whether a run over a scope asks this rule."""
        asked = {*self.tables, *self.reads} if self.whole else {*self.tables}
        return bool(asked & set(scope.tables)) and (self.after_load or scope.kind != "load")

    @cached_property
    def described(self) -> dict[str, Any]:
        """The rule as JSON holds it."""
        return {
            "id": self.id,
            "title": self.title._asdict(),
            "asks": self.asks._asdict(),
            "layers": list(self.tables),
            "severity": self.severity,
            "source": self.source,
            "status": self.status,
            "unit": self.unit,
            "after_load": self.after_load,
            "parameters": [
                {**each._asdict(), "means": each.means._asdict()} for each in self.parameters
            ],
        }
