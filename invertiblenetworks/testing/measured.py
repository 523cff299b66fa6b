"""How a check says what it measured, or raises."""

from __future__ import annotations

SHOWN = 3
"""So many findings fit into one line of a report."""


class Measured:
    """Values a check has found within their bounds.

    ``at_most`` and ``holds`` raise ``AssertionError`` at the first violation; ``str``
    tells the worst of the first few kinds of value.
    """

    def __init__(self):
        self._worst: dict[str, tuple[float, float]] = {}
        self._facts: dict[str, None] = {}  # in the order in which they were found

    def at_most(self, what: str, value: float, bound: float, detail: object = ""):
        """Raise unless ``value <= bound``; NaN raises."""
        if not value <= bound:
            text = f"{what}: {value:.2e}, should be at most {bound:.0e}"
            raise AssertionError(f"{text}. {detail}".rstrip(". ") + ".")
        if value >= self._worst.get(what, (0.0, bound))[0]:
            self._worst[what] = (value, bound)

    def holds(self, what: str, condition: bool, detail: object = ""):
        """Raise unless ``condition``; ``what`` says what should hold."""
        if not condition:
            raise AssertionError(f"violated: {what}. {detail}".rstrip(". ") + ".")
        self._facts[what] = None

    def __str__(self) -> str:
        found = [
            f"{what} {value:.1e} <= {bound:.0e}"
            for what, (value, bound) in self._worst.items()
        ]
        found += list(self._facts)
        shown = found[:SHOWN]
        if len(found) > SHOWN:
            shown.append(f"{len(found) - SHOWN} more")
        return "; ".join(shown)
