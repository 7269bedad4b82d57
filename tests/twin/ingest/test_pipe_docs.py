"""The page on formats has every name that a column of a survey may have."""

import re
from pathlib import Path

import pytest

from twin.ingest import _words as words
from twin.ingest._fields import PIPE_NODE, PIPE_SEGMENT, SURVEY_LINE, SURVEY_POINT, Field

PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text()
SECTION = PAGE.split("## `pipe-survey`")[1].split("\n## ")[0]
FIELDS = [*SURVEY_POINT, *SURVEY_LINE, *(f for f in (*PIPE_NODE, *PIPE_SEGMENT) if f.aliases[1:])]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.column)
def test_every_name_of_a_column_is_in_the_docs(field: Field) -> None:
    assert f"| `{field.column}` | {', '.join(field.aliases)} |" in SECTION


def test_every_word_for_a_kind_is_in_the_docs() -> None:
    told = {
        word.strip().casefold(): kind
        for kind, said in re.findall(r"^\| `(\w+)` \| (.+) \|$", SECTION, re.M)
        if kind in words.PIPE_KIND_VALUES
        for word in said.split(",")
    }
    assert told == words.SURVEY_KINDS
