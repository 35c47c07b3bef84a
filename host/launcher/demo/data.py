"""Training samples: requests and stories from the grammar, as token ids with loss weights."""

import random

import torch

from grammar import with_article
from vocabulary import BOS, END_OF_TURN, NEWLINE, PAD, Vocabulary

_SOLO_SHARE = 0.08
_LONG_SHARE = 0.12  # samples that hold two or three turns
_REQUEST_WEIGHT = 0.05  # loss weight of the user's part
_POOL = 20  # batches drawn at a time and sorted by length, to pad little
_VOCABULARY_TEXTS = 20000
VOCABULARY_SIZE = 1600


class Stories:
    """Draws subject pairs (never a held-out one, in either order), requests and stories."""

    def __init__(self, grammar, held_out, seed):
        self.grammar = grammar
        self.nouns = list(grammar.subjects)
        self.held_out = {frozenset(pair) for pair in held_out}
        self.random = random.Random(seed)

    def pair(self):
        while True:
            pair = self.random.sample(self.nouns, 2)
            if frozenset(pair) not in self.held_out:
                return tuple(pair)

    def sample(self):
        """A request and its story."""
        if self.random.random() < _SOLO_SHARE:
            bound = self.grammar.bind(self.random.choice(self.nouns))
            rules = "ask-solo", "solo"
        else:
            bound = self.grammar.bind(*self.pair())
            rules = "ask", "pair"
        return tuple(self.grammar.generate(rule, bound, self.random) for rule in rules)

    def vocabulary(self):
        texts = []
        for _ in range(_VOCABULARY_TEXTS):
            request, story = self.sample()
            texts += ["user\n" + request, "model\n" + story]
        return Vocabulary.learn(texts, VOCABULARY_SIZE)


def read_held_out(path):
    """Noun pairs of lines such as "a fox|a lighthouse"."""
    with open(path, encoding="utf-8") as lines:
        pairs = [tuple(phrase.split(" ", 1) for phrase in line.strip().split("|")) for line in lines]
    for article, noun in (phrase for pair in pairs for phrase in pair):
        if with_article(noun) != f"{article} {noun}":
            raise ValueError(f"{path}: expected {with_article(noun)!r}, got '{article} {noun}'")
    return [(first[1], second[1]) for first, second in pairs]


def batches(stories, vocabulary, size):
    """Endless (ids [size, n], loss weights [size, n]); the weight at i is that of predicting ids[i]."""
    while True:
        pool = sorted((_conversation(stories, vocabulary) for _ in range(size * _POOL)), key=lambda s: len(s[0]))
        groups = [pool[i : i + size] for i in range(0, len(pool), size)]
        stories.random.shuffle(groups)
        for group in groups:
            n = len(group[-1][0])
            ids = [s[0] + [PAD] * (n - len(s[0])) for s in group]
            weights = [s[1] + [0.0] * (n - len(s[1])) for s in group]
            yield torch.tensor(ids), torch.tensor(weights)


def _conversation(stories, vocabulary):
    ids, weights = [BOS], [0.0]
    turns = stories.random.choice((2, 3)) if stories.random.random() < _LONG_SHARE else 1
    for _ in range(turns):
        request, story = stories.sample()
        asked = vocabulary.turn(request)
        told = vocabulary.encode(story) + [END_OF_TURN]
        ids += asked + told + [NEWLINE]
        weights += [_REQUEST_WEIGHT] * len(asked) + [1.0] * len(told) + [_REQUEST_WEIGHT]
    return ids, weights
