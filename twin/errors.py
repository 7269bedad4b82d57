"""What can go wrong, in the words of the domain.  HTTP is not mentioned here."""


class TwinError(Exception):
    """Base of every error this project raises on purpose."""


class NotFoundError(TwinError):
    """The thing asked for does not exist."""


class InvalidInputError(TwinError):
    """The caller's values cannot be used as they are."""


class ConflictError(TwinError):
    """What is asked contradicts what is already there."""


class UnavailableError(TwinError):
    """Something the service needs is not there now: the database, a disk, a program."""


class HouseRuleError(TwinError):
    """A developer broke a rule of the house; never the caller's fault."""
