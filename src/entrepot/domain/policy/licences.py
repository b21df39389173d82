"""What the licence of a package leads to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from entrepot.domain.policy.action import Action, hardest, softest
from entrepot.domain.policy.external_roles import matches

_MOST_CHARACTERS = 2000
_MOST_DEPTH = 20
_TOKEN = re.compile(r"[()]|[^\s()]+")
_KEYWORDS = {"and": "and", "&&": "and", "or": "or", "||": "or"}


@dataclass(frozen=True, slots=True)
class LicenceRules:
    """Names in lower case, ``*`` for any characters.  With ``allowed``, whatever is not in it is unlisted."""

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    on_denied: Action = Action.BLOCK
    on_unlisted: Action = Action.REVIEW
    on_unknown: Action = Action.ALLOW

    @property
    def asks(self) -> bool:
        """Whether licences matter here."""
        return bool(self.allowed or self.denied) or self.on_unknown is not Action.ALLOW


def licence_action(text: str, rules: LicenceRules) -> Action:
    """Of a licence expression: the hardest of what holds together (``AND``), the softest of a choice (``OR``).

    Reads SPDX and what older rpm packages write (``GPLv2+ and MIT``).  One that cannot be read counts as unknown, and
    as denied when a denied name is anywhere in it.
    """
    if not rules.asks:
        return Action.ALLOW
    if not text.strip():
        return rules.on_unknown
    if len(text) > _MOST_CHARACTERS:
        return hardest((rules.on_unknown, rules.on_unlisted, rules.on_denied))
    tokens = _TOKEN.findall(text.casefold())
    try:
        return _Expression(tokens, rules).action()
    except ValueError:
        single = [
            _name_action(word, rules) for word in tokens if _KEYWORDS.get(word, word) not in ("(", ")", "and", "or")
        ]
        return hardest((rules.on_unknown, *(action for action in single if action is rules.on_denied)))


def _name_action(name: str, rules: LicenceRules) -> Action:
    names = {name, name.partition(" with ")[0]}
    if any(matches(one, pattern) for one in names for pattern in rules.denied):
        return rules.on_denied
    if rules.allowed and not any(matches(one, pattern) for one in names for pattern in rules.allowed):
        return rules.on_unlisted
    return Action.ALLOW


class _Expression:
    """choice = both (or both)*, both = term (and term)*, term = "(" choice ")" | name; names may have blanks."""

    def __init__(self, tokens: list[str], rules: LicenceRules) -> None:
        self._tokens = tokens
        self._rules = rules
        self._at = 0
        self._depth = 0

    def action(self) -> Action:
        found = self._choice()
        if self._at < len(self._tokens):
            raise ValueError("more than one expression")
        return found

    def _peek(self) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else ""
        return _KEYWORDS.get(token, token)

    def _choice(self) -> Action:
        found = [self._both()]
        while self._peek() == "or":
            self._at += 1
            found.append(self._both())
        return softest(found)

    def _both(self) -> Action:
        found = [self._term()]
        while self._peek() == "and":
            self._at += 1
            found.append(self._term())
        return hardest(found)

    def _term(self) -> Action:
        if self._peek() == "(":
            self._depth += 1
            if self._depth > _MOST_DEPTH:
                raise ValueError("too deep")
            self._at += 1
            found = self._choice()
            if self._peek() != ")":
                raise ValueError("not closed")
            self._at += 1
            self._depth -= 1
            return found
        words = []
        while self._peek() not in ("", "and", "or", "(", ")"):
            words.append(self._peek())
            self._at += 1
        if not words:
            raise ValueError("a name is missing")
        return _name_action(" ".join(words), self._rules)
