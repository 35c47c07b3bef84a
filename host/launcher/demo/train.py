"""Trains, exports and evaluates the demo model. `train.py --help` lists the options; MODEL_CARD.md has the command."""

import argparse
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F

import gguf
from data import Stories, batches, read_held_out
from evaluate import evaluate, load
from grammar import Grammar
from model import Config, Model
from optimiser import Optimiser
from vocabulary import Vocabulary

HERE = Path(__file__).resolve().parent
NAME = "Serval demo stories"
DESCRIPTION = "Toy model that tells short stories about two things. Trained by the Serval project on generated text."
_WARM_UP_STEPS = 50


def main():
    options = _options()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    grammar = Grammar.load(HERE / "stories.grammar")
    held_out = read_held_out(HERE / "heldout.txt")
    work = Path(options.work)
    if options.action == "train":
        _train(options, grammar, held_out, work)
        _export(work / "checkpoint.pt", options.output)
    elif options.action == "export":
        _export(work / "checkpoint.pt", options.output)
    evaluate(options.output, grammar, held_out, options.expected)


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["train", "export", "evaluate"])
    parser.add_argument("--work", default="demo-work", help="folder of the checkpoint and the log")
    parser.add_argument("--output", default=str(HERE / "demo.gguf"))
    parser.add_argument("--expected", help="also write greedy texts and ids of some requests to this file")
    parser.add_argument("--minutes", type=float, default=60, help="wall-clock limit of the training")
    parser.add_argument("--steps", type=int, help="train this many steps instead: repeatable, independent of speed")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint; the time already used counts")
    parser.add_argument("--batch", type=int, default=24, help="conversations per step")
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


def _train(options, grammar, held_out, work):
    work.mkdir(parents=True, exist_ok=True)
    path = work / "checkpoint.pt"
    stories = Stories(grammar, held_out, options.seed)
    vocabulary = stories.vocabulary()
    model = Model(Config(vocab_size=len(vocabulary)))
    optimiser = Optimiser(model)
    done = {"step": 0, "tokens": 0, "seconds": 0.0}
    if options.resume:
        state = torch.load(path)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        stories.random.setstate(state["random"])
        done = state["done"]
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(vocabulary)} tokens", flush=True)
    began = time.monotonic() - done["seconds"]
    saved, losses = time.monotonic(), []
    for ids, weights in batches(stories, vocabulary, options.batch):
        done["seconds"] = time.monotonic() - began
        progress = done["step"] / options.steps if options.steps else done["seconds"] / (60 * options.minutes)
        if progress >= 1:
            break
        loss, told = _losses(model, ids, weights)
        loss.backward()
        optimiser.step(_rate(done["step"], progress))
        done["step"] += 1
        done["tokens"] += int((weights > 0).sum())
        losses.append(told)
        if done["step"] % 20 == 0:
            _log(work, done, sum(losses) / len(losses))
            losses = []
        if time.monotonic() - saved > 180:
            saved = time.monotonic()
            _save(path, model, optimiser, stories, vocabulary, done)
    _save(path, model, optimiser, stories, vocabulary, done)


def _losses(model, ids, weights):
    """The weighted loss, and the plain mean over the told stories for the log (nats per token)."""
    states = model.hidden(ids[:, :-1])
    weights = weights[:, 1:]
    kept = weights > 0
    each = F.cross_entropy(F.linear(states[kept], model.token_embd), ids[:, 1:][kept], reduction="none")
    weights = weights[kept]
    told = weights == 1
    return (each * weights).sum() / weights.sum(), float(each.detach()[told].mean())


def _rate(step, progress):
    """Linear warm-up, full rate, then a linear fall to 0 over the last 60 percent."""
    return min(1.0, (step + 1) / _WARM_UP_STEPS) * min(1.0, (1.0 - progress) / 0.6)


def _log(work, done, loss):
    line = json.dumps({**done, "seconds": round(done["seconds"], 1), "loss": round(loss, 4)})
    print(line, flush=True)
    with open(work / "log.jsonl", "a", encoding="utf-8") as log:
        log.write(line + "\n")


def _save(path, model, optimiser, stories, vocabulary, done):
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "random": stories.random.getstate(),
        "config": asdict(model.config),
        "vocabulary": (vocabulary.tokens, vocabulary.scores, vocabulary.types),
        "done": dict(done),
    }
    torch.save(state, str(path) + ".new")
    os.replace(str(path) + ".new", path)


def _export(checkpoint, output):
    state = torch.load(checkpoint)
    vocabulary = Vocabulary(*state["vocabulary"])
    model = Model(Config(**state["config"]))
    model.load_state_dict(state["model"])
    tensors = {name: p.detach().numpy() for name, p in model.tensors().items()}
    gguf.write(output, gguf.metadata(model.config, vocabulary, NAME, DESCRIPTION), tensors)
    largest = _largest_difference(model, load(output)[0])
    print(f"exported {state['done']} to {output}, largest logit change by quantization {largest:.3f}")


@torch.no_grad()
def _largest_difference(model, quantized):
    ids = torch.arange(100)[None, :] * 7 % model.config.vocab_size
    return float((model(ids) - quantized(ids)).abs().max())


if __name__ == "__main__":
    main()
