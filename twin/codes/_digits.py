"""What every code of digits must be, and how it is commonly spoilt."""

import re
import unicodedata

from twin.errors import InvalidInputError

_SCIENTIFIC = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d+")
_DECIMAL = re.compile(r"\d+\.0*")


def digits(code: object, what: str, lengths: tuple[int, ...]) -> str:
    """Return a code of digits as it was given, or say why it is none.

    Parameters
    ----------
    code : object
        What the source says.  Anything but text is refused: a number has lost its leading zeros,
        and beyond 15 digits its last ones.
    what : str
        What the code names, for the message.
    lengths : tuple of int
        How many digits it may have.

    Raises
    ------
    InvalidInputError
        Number instead of text, exponent, decimal point, full-width digits, blanks, other letters,
        wrong length.

    Examples
    --------
    >>> digits("440507", "a county", (6,))
    '440507'
    >>> digits("4.4e13", "a grid cell", (14, 15))
    Traceback (most recent call last):
        ...
    twin.errors.InvalidInputError: '4.4e13' is no code of a grid cell: it was a floating-point \
number on the way and its digits are lost; a code is text
    """
    if not isinstance(code, str):
        kind = "a floating-point number" if isinstance(code, float) else f"of type {_type(code)}"
        raise _refused(code, what, f"it is {kind}; a code is text")
    reason = _spoilt(code)
    if reason is None and len(code) not in lengths:
        reason = f"it has {len(code)} digits, not {_or(lengths)}"
    if reason is not None:
        raise _refused(code, what, reason)
    return code


def _spoilt(code: str) -> str | None:
    """Return what is wrong with the letters of a code, or None."""
    if not code:
        return "it is empty"
    if _SCIENTIFIC.fullmatch(code):
        return "it was a floating-point number on the way and its digits are lost; a code is text"
    if _DECIMAL.fullmatch(code):
        return "it has a decimal point: it was a floating-point number on the way; a code is text"
    if any(letter.isspace() for letter in code):
        return "it has blanks in it"
    odd = next((letter for letter in code if letter not in "0123456789"), None)
    if odd is None:
        return None
    if unicodedata.decimal(odd, None) is not None:
        wide = "full-width digits" if "０" <= odd <= "９" else "digits of another script"
        return f"it has {wide} ({odd}); write 0 to 9"
    return f"it has a letter that is no digit ({odd!r})"


def _refused(code: object, what: str, reason: str) -> InvalidInputError:
    return InvalidInputError(f"{code!r} is no code of {what}: {reason}")


def _type(code: object) -> str:
    return "number" if isinstance(code, int) else type(code).__name__


def _or(lengths: tuple[int, ...]) -> str:
    words = [str(length) for length in lengths]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
