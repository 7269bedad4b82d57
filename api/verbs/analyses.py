"""``citytwin analyses``: the questions that can be asked."""

from argparse import Namespace

from api.settings import Settings
from api.verbs._verb import Verb, no_arguments


def _run(_: Namespace, __: Settings) -> int:
    # Only here: the analyses bring a compiler with them, which other verbs need not wait for.
    from analysis import analyses

    for analysis in analyses().values():
        print(f"{analysis.id:20}{analysis.title.zh} {analysis.title.en}")
        for name, known in analysis.inputs.model_fields.items():
            need = "required" if known.is_required() else "optional"
            print(f"    {name:16}{need:10}{known.description or ''}".rstrip())
    return 0


VERB = Verb("analyses", "list the analyses and what they ask", no_arguments, _run)
