"""Words that people read, in Chinese and in English."""

from typing import NamedTuple


class Words(NamedTuple):
    """The same words in Chinese and in English."""

    zh: str
    en: str
