"""Command line: every verb calls the same functions as the HTTP interface does.

Exit status: 0 done; 1 not done, the reason is on the error output; 2 the command was misspelt;
3 a load was done but refused some rows; 130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from api.kernels import choose_room
from api.settings import Settings
from api.verbs import verbs
from twin.errors import TwinError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="citytwin", description="An open digital twin of one city. 城市数字孪生。"
    )
    commands = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in verbs().values():
        command = commands.add_parser(verb.id, help=verb.help, description=verb.help)
        verb.arguments(command)
        command.set_defaults(run=verb.run)
    arguments = parser.parse_args(argv)
    try:
        settings = Settings()
        choose_room(settings.data_dir)
        return int(arguments.run(arguments, settings))
    except TwinError as error:
        return _failed(str(error))
    except ValidationError as error:
        return _failed(_wrong_settings(error))
    except KeyboardInterrupt:
        print("citytwin: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has had enough; without this Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _failed(reason: str) -> int:
    print(f"citytwin: {reason}", file=sys.stderr)
    return 1


def _wrong_settings(error: ValidationError) -> str:
    wrong = [
        f"TWIN_{str(each['loc'][0]).upper()}={each['input']!r}: {each['msg']}"
        for each in error.errors()
    ]
    return "; ".join(wrong)
