"""The SPM vocabulary: learning the pieces, encoding and decoding."""

import re
from collections import Counter

NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
PAD, EOS, BOS, UNK, START_OF_TURN, END_OF_TURN, NEWLINE = range(7)
SPACE = "\u2581"

_CONTROL = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
_WORD = re.compile(f"{SPACE}?[A-Za-z]+|{SPACE}?[^A-Za-z{SPACE}\n]+|{SPACE}|\n")


class Vocabulary:
    """Token texts, scores (f32) and types by id. A piece has the space mark at its start or not at all, and holds
    letters only or other characters only, so that the words of a text can be encoded one by one."""

    def __init__(self, tokens, scores, types):
        self.tokens, self.scores, self.types = tokens, scores, types
        self.ids = {text: i for i, text in reversed(list(enumerate(tokens)))}
        self._cache = {}

    def __len__(self):
        return len(self.tokens)

    @staticmethod
    def learn(texts, size):
        """Byte-pair merges by the square root of the word counts, so that rare words become whole pieces too."""
        counts = Counter(w for text in texts for w in _WORD.findall(text.replace(" ", SPACE)))
        words = [(list(w), n**0.5) for w, n in sorted(counts.items())]
        characters = [SPACE] + [chr(c) for c in range(33, 127)]
        byte_tokens = [f"<0x{b:02X}>" for b in range(256)]
        fixed = len(_CONTROL) + 1 + len(byte_tokens) + len(characters)
        merges = []
        while len(merges) < size - fixed:
            pairs = Counter()
            for symbols, n in words:
                for left, right in zip(symbols, symbols[1:]):
                    pairs[left + right] += n
            if not pairs:
                break
            best = max(pairs, key=lambda p: (pairs[p], p))
            merges.append(best)
            for symbols, _ in words:
                _merge(symbols, best)
        tokens = _CONTROL + ["\n"] + byte_tokens + merges + characters
        types = [CONTROL] * len(_CONTROL) + [NORMAL] + [BYTE] * 256 + [NORMAL] * (len(merges) + len(characters))
        types[UNK] = UNKNOWN
        head = fixed - len(characters)
        scores = [0.0] * head + [-float(i) for i in range(1, len(merges) + len(characters) + 1)]
        return Vocabulary(tokens, scores, types)

    def encode(self, text):
        """Ids of text without control tokens; nothing is added at either end."""
        ids = []
        for word in _WORD.findall(text.replace(" ", SPACE)):
            known = self._cache.get(word)
            if known is None:
                known = self._cache[word] = self.encode_fragment(word)
            ids += known
        return ids

    def encode_fragment(self, text):
        """The SPM algorithm on one fragment: merge the adjacent pair of the highest score, leftmost first, until none
        is left; characters without a token become their bytes."""
        symbols = list(text.replace(" ", SPACE))
        while True:
            best, at = None, -1
            for i in range(len(symbols) - 1):
                found = self.ids.get(symbols[i] + symbols[i + 1])
                if found is not None and (best is None or self.scores[found] > best):
                    best, at = self.scores[found], i
            if best is None:
                break
            symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
        ids = []
        for symbol in symbols:
            known = self.ids.get(symbol)
            ids += [known] if known is not None else [self.ids[f"<0x{b:02X}>"] for b in symbol.encode()]
        return ids

    def decode(self, ids):
        """Text of ids; control tokens print nothing."""
        out = bytearray()
        for i in ids:
            if self.types[i] == BYTE:
                out.append(int(self.tokens[i][3:5], 16))
            elif self.types[i] == NORMAL:
                out += self.tokens[i].replace(SPACE, " ").encode()
        return out.decode("utf-8", "replace")

    def turn(self, request):
        """Ids of one user turn and the head of the model's turn."""
        user = [START_OF_TURN] + self.encode("user\n" + request) + [END_OF_TURN, NEWLINE]
        return user + [START_OF_TURN] + self.encode("model\n")


def _merge(symbols, piece):
    i = 0
    while i < len(symbols) - 1:
        if symbols[i] + symbols[i + 1] == piece:
            symbols[i : i + 2] = [piece]
        i += 1
