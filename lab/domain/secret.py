"""A value that must not be seen: no text form, refused when it is a placeholder."""

from __future__ import annotations

SHORTEST = 20
"""Characters. What the lab makes itself has 43."""

_PLACEHOLDERS = ("changeme", "change-me", "change_me", "password", "secret", "example", "default")


class Secret:
    """Holds a secret so that logs, messages and reprs cannot show it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        """Say that there is one, not what it is."""
        return "Secret(…)"

    def reveal(self) -> str:
        """Return the value, for the one call that needs it."""
        return self._value

    @classmethod
    def checked(cls, text: str, *, name: str) -> Secret:
        """Take the text of a secret file, without the white space around it.

        Args:
            text: What the file holds.
            name: What to call it in a message.

        Raises:
            ValueError: It is too short, or a placeholder that somebody forgot to replace.
        """
        value = text.strip()
        plain = value.lower()
        if len(value) < SHORTEST or len(set(value)) < SHORTEST // 2:
            msg = f"the secret in {name} is too short or too regular; make a random one"
            raise ValueError(msg)
        if any(word in plain for word in _PLACEHOLDERS):
            msg = f"the secret in {name} looks like a placeholder; make a random one"
            raise ValueError(msg)
        return cls(value)
