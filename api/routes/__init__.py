"""One module a building block: parse, one call, render."""
