"""A file is looked at before any parser sees it."""

from pathlib import Path

import pytest

from twin.bim._step import check_envelope, scan
from twin.errors import InvalidInputError

WHOLE = (
    b"ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nFILE_SCHEMA(('IFC4'));\nENDSEC;\n"
    b"DATA;\n#1=IFCWALL('a',$,$,$,$,$,$,$,$);\nENDSEC;\nEND-ISO-10303-21;\n"
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (WHOLE[:-20], "truncated"),
        (WHOLE.replace(b"HEADER;", b""), "no HEADER"),
        (WHOLE.replace(b"'IFC4'", b"'CIS2'"), "none that can be read"),
        (WHOLE.replace(b"'IFC4'", b"'IFC4X3_RC2'"), "IFC4X3_RC2"),
        (WHOLE.replace(b"FILE_SCHEMA(('IFC4'));", b""), "names no schema"),
        (b"PK\x03\x04" + WHOLE, "unpack it"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"solid cube", "does not begin with"),
        (b"", "does not begin with"),
    ],
)
def test_what_is_no_whole_model_is_refused_and_why(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "model.ifc"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=reason):
        check_envelope(path)


@pytest.mark.parametrize("schema", ["IFC2X3", "IFC4", "IFC4X3", "IFC4X3_ADD2", "IFC4_ADD2_TC1"])
def test_a_whole_model_says_its_schema(tmp_path: Path, schema: str) -> None:
    path = tmp_path / "model.ifc"
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE.replace(b"IFC4", schema.encode()) + b"\r\n\0")
    assert check_envelope(path) == schema


def test_strings_and_comments_hide_what_looks_like_an_instance() -> None:
    found = scan(
        b"DATA;#1=IFCWALL('it''s; #2=IFCDOOR();');/* '#3=IFCSLAB(); */\n#4=IFCSLAB();ENDSEC;"
    )
    assert found.classes == {"IFCWALL": 1, "IFCSLAB": 1}
    assert found.instances == 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"#1=IFCWALL('a);", "a string is not closed"),
        (b"/* #1=IFCWALL('a');", "a comment is not closed"),
        (b"#1=IFCWALL('a');;", "an empty statement"),
        (b"\n\n#1=IFCWALL('a');\n#1=IFCDOOR('b');", r"#1 is given twice \(line 4\)"),
        (b"IFCWALL('a');", "not an instance"),
    ],
)
def test_broken_text_is_named(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        scan(b"DATA;" + body + b"ENDSEC;")


def test_an_instance_of_several_classes_is_counted_without_a_name() -> None:
    assert scan(b"DATA;#1=(A(1)B(2));ENDSEC;").classes == {"": 1}
