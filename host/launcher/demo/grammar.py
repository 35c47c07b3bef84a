"""Reads stories.grammar; generates and recognises stories. The notation is defined in the head of that file."""

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache

_GUARD = re.compile(r"\[([AB]):(\w+)\] |\[\+(\w)\] ")
_FAVOUR = 0.4  # how often a choice is a favourite one instead of a random one
_SALT = "2147/"  # chooses the favourites
_PART = re.compile(r"<([\w-]+)>|\{(a )?(\w)(?:\.(\w+))?\}")


def with_article(noun):
    """The noun phrase with its indefinite article."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun


@dataclass(frozen=True)
class Subject:
    noun: str
    kind: str
    home: str
    does: str
    did: str


@dataclass(frozen=True)
class Rule:
    name: str


@dataclass(frozen=True)
class Slot:
    name: str
    article: bool
    attribute: str


@dataclass
class Alternative:
    weight: int
    guards: list  # (subject letter, class) or ("+", slot name)
    parts: list  # str | Rule | Slot


@dataclass
class Grammar:
    subjects: dict = field(default_factory=dict)
    slots: dict = field(default_factory=dict)
    rules: dict = field(default_factory=dict)

    @staticmethod
    def load(path):
        """Reads a grammar file and checks that every rule and slot it refers to exists."""
        grammar = Grammar()
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                line = line.rstrip("\n")
                if line and not line.startswith("#"):
                    grammar._read(line, number)
        grammar._check()
        return grammar

    def _read(self, line, number):
        if line.startswith("subject "):
            fields = [f.strip() for f in line[len("subject ") :].split(" | ")]
            subject = Subject(*fields)
            self.subjects[subject.noun] = subject
            return
        head, found, body = line.partition(": ")
        if not found:
            raise ValueError(f"line {number}: expected 'NAME: ...', got {line!r}")
        if head.startswith("slot "):
            self.slots[head[len("slot ") :]] = [v.strip() for v in body.split(" | ")]
            return
        name, _, weight = head.partition("*")
        self.rules.setdefault(name, []).append(_alternative(body, int(weight or 1)))

    def _check(self):
        for name, alternatives in self.rules.items():
            for part in (p for a in alternatives for p in a.parts):
                if isinstance(part, Rule) and part.name not in self.rules:
                    raise ValueError(f"rule {name} uses the unknown rule {part.name}")
                if isinstance(part, Slot) and part.name not in "AB" and part.name not in self.slots:
                    raise ValueError(f"rule {name} uses the unknown slot {part.name}")

    def bind(self, first, second=None):
        """Bindings for a story about one or two subjects, given as nouns."""
        bound = {"A": self.subjects[first]}
        if second is not None:
            bound["B"] = self.subjects[second]
        return bound

    def generate(self, start, bound, random):
        """A random text of rule `start`; adds the slots it binds to `bound`.

        Every subject has favourites among alternatives and values, so that stories differ with their subjects also when
        the most likely continuation is taken."""
        usable = [i for i, a in enumerate(self.rules[start]) if _allowed(a, bound)]
        weights = [self.rules[start][i].weight for i in usable]
        chosen = self.rules[start][_choose(start, usable, weights, bound, random)]
        out = []
        for part in chosen.parts:
            if isinstance(part, str):
                out.append(part)
            elif isinstance(part, Rule):
                out.append(self.generate(part.name, bound, random))
            else:
                if part.name not in bound:
                    values = self.slots[part.name]
                    bound[part.name] = _choose(part.name, values, None, bound, random)
                out.append(_show(part, bound[part.name]))
        return "".join(out)

    def recognise(self, start, text, bound):
        """The slot bindings under which the whole text is a `start`, or None."""
        for end, result in self._match_rule(start, text, 0, bound):
            if end == len(text):
                return result
        return None

    def _match_rule(self, name, text, at, bound):
        for alternative in self.rules[name]:
            if _allowed(alternative, bound):
                yield from self._match_parts(alternative.parts, 0, text, at, bound)

    def _match_parts(self, parts, index, text, at, bound):
        if index == len(parts):
            yield at, bound
            return
        part = parts[index]
        for end, after in self._match_part(part, text, at, bound):
            yield from self._match_parts(parts, index + 1, text, end, after)

    def _match_part(self, part, text, at, bound):
        if isinstance(part, Rule):
            yield from self._match_rule(part.name, text, at, bound)
        elif isinstance(part, str):
            if text.startswith(part, at):
                yield at + len(part), bound
        else:
            known = part.name in bound
            for value in [bound[part.name]] if known else self.slots[part.name]:
                shown = _show(part, value)
                if text.startswith(shown, at):
                    yield at + len(shown), bound if known else {**bound, part.name: value}


def _alternative(body, weight):
    guards = []
    while True:
        match = _GUARD.match(body)
        if not match:
            break
        letter, kind, slot = match.groups()
        guards.append(("+", slot) if slot else (letter, kind))
        body = body[match.end() :]
    parts = []
    at = 0
    for match in _PART.finditer(body):
        if match.start() > at:
            parts.append(body[at : match.start()])
        rule, article, slot, attribute = match.groups()
        parts.append(Rule(rule) if rule else Slot(slot, bool(article), attribute or ""))
        at = match.end()
    if at < len(body):
        parts.append(body[at:])
    return Alternative(weight, guards, parts)


def _allowed(alternative, bound):
    for subject, wanted in alternative.guards:
        if subject == "+":
            if wanted not in bound:
                return False
        elif subject not in bound or bound[subject].kind != wanted:
            return False
    return True


def _choose(name, options, weights, bound, random):
    if name.startswith("ask") or random.random() >= _FAVOUR:
        return random.choices(options, weights)[0]
    by_second = "B" in bound and _rank(name) % 2
    noun = bound["B" if by_second else "A"].noun
    return max(options, key=lambda option: _rank(f"{noun}/{name}/{option}"))


@lru_cache(maxsize=None)
def _rank(text):
    """A fixed pseudo-random number."""
    return int.from_bytes(hashlib.sha256((_SALT + text).encode()).digest()[:4], "big")


def _show(slot, value):
    if isinstance(value, Subject):
        value = getattr(value, slot.attribute) if slot.attribute else value.noun
    return with_article(value) if slot.article else value
