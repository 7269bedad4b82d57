"""One file a verb of the command line; each defines ``VERB``."""

from api.verbs._verb import Verb
from twin.discover import discover

__all__ = ["Verb", "verbs"]


def verbs() -> dict[str, Verb]:
    """Return every verb, by name."""
    return discover("api.verbs", "VERB", Verb)
