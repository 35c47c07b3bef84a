"""Muon for the block matrices, Adam for the embedding and the norm weights.

Muon: K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024): momentum whose update is
brought near the closest orthogonal matrix by a Newton-Schulz iteration."""

import torch


def orthogonal(matrix, steps=5):
    """About U V^T of the singular value decomposition of the matrix."""
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        g = x @ x.T
        x = a * x + (b * g + c * (g @ g)) @ x
    return x if wide else x.T


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.95, weight_decay=0.02):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if "moment" not in state:
                    state["moment"] = torch.zeros_like(p)
                moment = state["moment"].lerp_(p.grad, 1 - group["momentum"])
                update = orthogonal(p.grad.lerp(moment, group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)


class Optimiser:
    """Both optimisers under one learning-rate factor."""

    def __init__(self, model, matrix_rate=0.02, vector_rate=0.003):
        matrices = [p for p in model.blk.parameters() if p.ndim == 2]
        others = [p for p in model.parameters() if not any(p is m for m in matrices)]
        self.parts = [Muon(matrices, matrix_rate), torch.optim.Adam(others, vector_rate, betas=(0.9, 0.98))]
        self.rates = [matrix_rate, vector_rate]

    def step(self, factor):
        for part, rate in zip(self.parts, self.rates):
            part.param_groups[0]["lr"] = rate * factor
            part.step()
            part.zero_grad(set_to_none=True)

    def state_dict(self):
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states):
        for part, state in zip(self.parts, states):
            part.load_state_dict(state)
