"""``citytwin run``: ask an analysis, as ``POST /processes/{id}/execution`` does."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import orjson

from api.settings import Settings
from api.verbs._verb import Verb, city
from twin.errors import InvalidInputError, NotFoundError


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("analysis", help="its id; citytwin analyses lists them")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one input; the value is JSON, or a word as it stands",
    )
    parser.add_argument("--inputs", type=Path, metavar="FILE", help="JSON object; - reads stdin")


def _run(arguments: Namespace, settings: Settings) -> int:
    from analysis import analyses, execute

    found = analyses()
    if arguments.analysis not in found:
        raise NotFoundError(
            f"there is no analysis {arguments.analysis!r}; there are {', '.join(found)}"
        )
    inputs = _from_file(arguments.inputs) | _from_words(arguments.input)
    with city(settings) as opened:
        outputs = execute(opened, found[arguments.analysis], inputs)
    document = orjson.dumps(outputs.model_dump(mode="json"), option=orjson.OPT_INDENT_2)
    sys.stdout.buffer.write(document + b"\n")
    return 0


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        found = orjson.loads(text)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"{path} is not JSON: {error}") from error
    inputs = found.get("inputs", found) if isinstance(found, dict) else None
    if not isinstance(inputs, dict):
        raise InvalidInputError(f"{path} must hold a JSON object of inputs by name")
    return inputs


def _from_words(pairs: list[str]) -> dict[str, Any]:
    found = {}
    for pair in pairs:
        name, equals, word = pair.partition("=")
        if not (name and equals):
            raise InvalidInputError(f"--input is NAME=VALUE, not {pair!r}")
        try:
            found[name] = orjson.loads(word)
        except orjson.JSONDecodeError:
            found[name] = word
    return found


VERB = Verb("run", "ask an analysis and print the answer as JSON", _arguments, _run)
