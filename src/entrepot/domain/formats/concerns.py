"""Legal but dangerous things, collected for a person to look at; bounded, however many there are."""

from __future__ import annotations

from entrepot.domain.model.package import Concern

SHOWN_PER_CODE = 20


class ConcernLog:
    """Concerns in the order seen; after ``SHOWN_PER_CODE`` of one code only their number is kept."""

    __slots__ = ("_counts", "_seen")

    def __init__(self) -> None:
        self._seen: list[Concern] = []
        self._counts: dict[str, int] = {}

    def add(self, code: str, detail: str) -> None:
        """Note one concern; ``detail`` is one sentence, raw names in it quoted."""
        count = self._counts[code] = self._counts.get(code, 0) + 1
        if count <= SHOWN_PER_CODE:
            self._seen.append(Concern(code, detail))

    def concerns(self) -> tuple[Concern, ...]:
        """All that was noted."""
        hidden = [
            Concern(code, f"{count - SHOWN_PER_CODE} more of these are not listed")
            for code, count in self._counts.items()
            if count > SHOWN_PER_CODE
        ]
        return tuple(self._seen + hidden)
