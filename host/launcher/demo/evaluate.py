"""Checks a GGUF file: greedy stories from its quantized weights must be stories of the grammar about the subjects."""

import random

import torch

import gguf
from grammar import with_article
from model import Config, Model, greedy
from vocabulary import BOS, END_OF_TURN, NEWLINE, Vocabulary

_LIMIT = 260
_TRAINED_PAIRS = 100
EXPECTED_REQUESTS = [
    "Tell me a story about a fox and a lighthouse.",
    "Tell me a story about a cat and a clock.",
    "Tell me a story about a girl and a cloud.",
    "Tell me a story about a castle and a snowman.",
    "Tell me a short story about a dragon and a teapot.",
    "Tell me a story about an elephant.",
    "Tell me a story about a clock and a girl",
]
_EXPECTED_HEAD = """\
# Greedy answers computed in float32 from the dequantized weights of demo.gguf. Per request:
# the request, the prompt's ids, the answer's ids (without <end_of_turn>), the answer's text, and the margin:
# the least distance between the two highest logits while answering, <end_of_turn> included. Arithmetic that is
# less exact than the margin may tell another story.
"""


def load(path):
    """The model with the dequantized weights, and the vocabulary, of a GGUF file."""
    entries, tensors = gguf.read(path)
    vocabulary = Vocabulary(*(entries["tokenizer.ggml." + k] for k in ("tokens", "scores", "token_type")))
    config = Config(
        vocab_size=len(vocabulary),
        n_layers=entries["gemma3.block_count"],
        embedding_dim=entries["gemma3.embedding_length"],
        n_heads=entries["gemma3.attention.head_count"],
        n_kv_heads=entries["gemma3.attention.head_count_kv"],
        head_dim=entries["gemma3.attention.key_length"],
        ffn_dim=entries["gemma3.feed_forward_length"],
        context_length=entries["gemma3.context_length"],
        sliding_window=entries["gemma3.attention.sliding_window"],
        rms_norm_eps=entries["gemma3.attention.layer_norm_rms_epsilon"],
        rope_theta=entries["gemma3.rope.freq_base"],
    )
    model = Model(config)
    named = model.tensors()
    if set(named) != set(tensors):
        raise ValueError(f"{path}: tensors differ: {sorted(set(named) ^ set(tensors))}")
    with torch.no_grad():
        for name, values in tensors.items():
            named[name].copy_(torch.tensor(values))
    return model.eval(), vocabulary


def evaluate(path, grammar, held_out, expected=None):
    """Prints the share of right stories for held-out pairs and others; writes the file `expected` if one is named."""
    model, vocabulary = load(path)
    swapped = [(b, a) for a, b in held_out]
    chooser = random.Random(7)
    known = {frozenset(p) for p in held_out}
    trained = []
    while len(trained) < _TRAINED_PAIRS:
        pair = tuple(chooser.sample(list(grammar.subjects), 2))
        if frozenset(pair) not in known:
            trained.append(pair)
    solo = [(noun, None) for noun in grammar.subjects]
    _report("held-out pairs", model, vocabulary, grammar, held_out)
    _report("held-out pairs, other order", model, vocabulary, grammar, swapped)
    _report("pairs seen in training", model, vocabulary, grammar, trained)
    _report("single subjects", model, vocabulary, grammar, solo)
    _report("held-out pairs, second turn", model, vocabulary, grammar, held_out, trained[0])
    if expected:
        _write_expected(expected, model, vocabulary)


def request_for(first, second):
    both = with_article(first) + (f" and {with_article(second)}" if second else "")
    return f"Tell me a story about {both}."


def is_story(grammar, text, first, second):
    """Whether the text names the subjects and is a story of the grammar about them."""
    named = all(f" {noun}" in text for noun in (first, second) if noun)
    rule = "pair" if second else "solo"
    return named and grammar.recognise(rule, text, grammar.bind(first, second)) is not None


def _report(title, model, vocabulary, grammar, pairs, earlier=None):
    before = [BOS]
    if earlier:
        before += vocabulary.turn(request_for(*earlier))
        before += greedy(model, [before], END_OF_TURN, _LIMIT)[0] + [END_OF_TURN, NEWLINE]
    prompts = [before + vocabulary.turn(request_for(*pair)) for pair in pairs]
    texts = [vocabulary.decode(ids) for ids in greedy(model, prompts, END_OF_TURN, _LIMIT)]
    wrong = [(p, t) for p, t in zip(pairs, texts) if not is_story(grammar, t, *p)]
    print(f"{title}: {len(pairs) - len(wrong)} of {len(pairs)}, {len(set(texts))} different", flush=True)
    for pair, text in wrong:
        print(f"  wrong {pair}: {text}")


def _write_expected(path, model, vocabulary):
    prompts = [[BOS] + vocabulary.turn(request) for request in EXPECTED_REQUESTS]
    with open(path, "w", encoding="utf-8") as out:
        out.write(_EXPECTED_HEAD)
        for request, prompt, ids in zip(EXPECTED_REQUESTS, prompts, greedy(model, prompts, END_OF_TURN, _LIMIT)):
            out.write(f"\nrequest: {request}\nprompt: {' '.join(map(str, prompt))}\n")
            out.write(f"ids: {' '.join(map(str, ids))}\ntext: {vocabulary.decode(ids)}\n")
            out.write(f"margin: {_margin(model, prompt, ids):.3f}\n")


@torch.no_grad()
def _margin(model, prompt, answer):
    highest = model(torch.tensor([prompt + answer]))[0, len(prompt) - 1 :].topk(2).values
    return float((highest[:, 0] - highest[:, 1]).min())
