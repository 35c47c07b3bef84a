"""The Gemma 3 forward pass in float32, without a key-value cache: small, batched, differentiable."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Config:
    vocab_size: int
    n_layers: int = 6
    embedding_dim: int = 192
    n_heads: int = 3
    n_kv_heads: int = 1
    head_dim: int = 64
    ffn_dim: int = 512
    context_length: int = 1024
    sliding_window: int = 64
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1e6
    rope_theta_local: float = 1e4

    def is_local(self, layer):
        return layer % 6 != 5


class Block(nn.Module):
    """Parameters are named as the tensors of a GGUF block."""

    def __init__(self, c):
        super().__init__()
        e, q, kv, f = c.embedding_dim, c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim, c.ffn_dim
        self.attn_q, self.attn_k, self.attn_v = _matrix(e, q), _matrix(e, kv), _matrix(e, kv)
        self.attn_output = _matrix(q, e)
        self.ffn_gate, self.ffn_up, self.ffn_down = _matrix(e, f), _matrix(e, f), _matrix(f, e)
        self.attn_norm, self.ffn_norm = _vector(e), _vector(e)
        self.attn_q_norm, self.attn_k_norm = _vector(c.head_dim), _vector(c.head_dim)
        self.post_attention_norm, self.post_ffw_norm = _vector(e, 0.3), _vector(e, 0.3)


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.token_embd = _matrix(config.embedding_dim, config.vocab_size)
        self.output_norm = _vector(config.embedding_dim)
        self.blk = nn.ModuleList(Block(config) for _ in range(config.n_layers))

    def tensors(self):
        """Parameters by GGUF tensor name; a matrix is [out, in]."""
        return {name + ".weight": p for name, p in self.named_parameters()}

    def forward(self, ids):
        """Logits [batch, n, vocab] of ids [batch, n]."""
        return F.linear(self.hidden(ids), self.token_embd)

    def hidden(self, ids):
        """Final normed states [batch, n, embedding] of ids [batch, n]; positions start at 0."""
        c = self.config
        n = ids.shape[1]
        x = F.embedding(ids, self.token_embd) * math.sqrt(c.embedding_dim)
        local, whole = _mask(n, c.sliding_window), _mask(n, n)
        turns = {True: _turns(n, c.head_dim, c.rope_theta_local), False: _turns(n, c.head_dim, c.rope_theta)}
        for layer, b in enumerate(self.blk):
            is_local = c.is_local(layer)
            h = self._norm(x, b.attn_norm)
            a = self._attention(b, h, turns[is_local], local if is_local else whole)
            x = x + self._norm(a, b.post_attention_norm)
            h = self._norm(x, b.ffn_norm)
            h = F.gelu(F.linear(h, b.ffn_gate), approximate="tanh") * F.linear(h, b.ffn_up)
            x = x + self._norm(F.linear(h, b.ffn_down), b.post_ffw_norm)
        return self._norm(x, self.output_norm)

    def _attention(self, b, h, turns, mask):
        c = self.config
        batch, n, _ = h.shape
        q = F.linear(h, b.attn_q).view(batch, n, c.n_heads, c.head_dim).transpose(1, 2)
        k = F.linear(h, b.attn_k).view(batch, n, c.n_kv_heads, c.head_dim).transpose(1, 2)
        v = F.linear(h, b.attn_v).view(batch, n, c.n_kv_heads, c.head_dim).transpose(1, 2)
        q = _rotate(self._norm(q, b.attn_q_norm), turns) / math.sqrt(c.head_dim)
        k = _rotate(self._norm(k, b.attn_k_norm), turns)
        groups = c.n_heads // c.n_kv_heads
        q = q.reshape(batch, c.n_kv_heads, groups * n, c.head_dim)
        scores = (q @ k.transpose(2, 3)).view(batch, c.n_heads, n, n) + mask
        weights = torch.softmax(scores, -1).view(batch, c.n_kv_heads, groups * n, n)
        a = (weights @ v).view(batch, c.n_heads, n, c.head_dim)
        return F.linear(a.transpose(1, 2).reshape(batch, n, -1), b.attn_output)

    def _norm(self, x, weight):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.config.rms_norm_eps) * weight


@torch.no_grad()
def greedy(model, prompts, stop, limit):
    """Most likely continuations (without the stop token) of id lists, at most `limit` tokens each."""
    lengths = torch.tensor([len(p) for p in prompts])
    ids = torch.zeros(len(prompts), int(lengths.max()) + limit, dtype=torch.long)
    for row, p in zip(ids, prompts):
        row[: len(p)] = torch.tensor(p)
    live = torch.arange(len(prompts))
    ends = lengths.clone()
    while len(live) and int(ends[live].max()) < ids.shape[1]:
        states = model.hidden(ids[live, : int(ends[live].max())])
        last = states[torch.arange(len(live)), ends[live] - 1]
        chosen = F.linear(last, model.token_embd).argmax(-1)
        going = (chosen != stop) & (ends[live] - lengths[live] < limit)
        live, chosen = live[going], chosen[going]
        ids[live, ends[live]] = chosen
        ends[live] += 1
    return [row[a:b].tolist() for row, a, b in zip(ids, lengths.tolist(), ends.tolist())]


def _matrix(n_in, n_out):
    return nn.Parameter(torch.randn(n_out, n_in) / math.sqrt(n_in))


def _vector(n, value=1.0):
    return nn.Parameter(torch.full((n,), value))


def _mask(n, window):
    i = torch.arange(n)
    seen = (i[None, :] <= i[:, None]) & (i[None, :] > i[:, None] - window)
    return torch.where(seen, 0.0, float("-inf"))


def _turns(n, dim, theta):
    angles = torch.arange(n)[:, None] * theta ** (-torch.arange(0, dim, 2) / dim)
    return torch.cos(angles), torch.sin(angles)


def _rotate(x, turns):
    """RoPE on the pairs (i, i + dim / 2)."""
    cos, sin = turns
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
