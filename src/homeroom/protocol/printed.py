"""Results that a person prints or looks at in a shell."""

from __future__ import annotations


class Printed:
    """A result whose text is `str(result)`; a shell shows its first line.

    >>> class Answer(Printed):
    ...     def __str__(self):
    ...         return lines("It is 42.", "", "Why?")
    >>> Answer()
    <Answer: It is 42.>
    """

    def __repr__(self) -> str:
        first, _, _ = str(self).partition("\n")
        return f"<{type(self).__name__}: {first}>"


def lines(*parts: str) -> str:
    """Return the parts that say something, a line each."""
    return "\n".join(part for part in parts if part)
