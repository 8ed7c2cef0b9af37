import logging
import math

import numpy
import torch
from torch.nn import functional as F
from torch.nn import Identity, LayerNorm, Linear, Module, MultiheadAttention, Parameter, init
from torch.nn.utils.rnn import pad_sequence

LOG = logging.getLogger("nova_sight.compressor")


class Adapter(Module):
    def __init__(self, size, factor=3):
        super().__init__()
        narrow = size // factor
        self.narrow = Linear(size, narrow)
        self.widen = Linear(narrow, size)
        for weights in (self.widen.weight, self.widen.bias):
            init.zeros_(weights)

    def forward(self, tokens):
        correction = self.widen(F.silu(self.narrow(tokens)))
        return correction + tokens


def start_small(layer):
    if isinstance(layer, LayerNorm):
        init.ones_(layer.weight)
        init.zeros_(layer.bias)
        return
    if not isinstance(layer, Linear):
        return
    init.trunc_normal_(layer.weight, std=0.017)
    if layer.bias is None:
        return
    init.zeros_(layer.bias)


def plane_code(size, shape):
    """Fixed code for the cells of a plane; first half for the row, second for the column."""
    half = size // 2

    def axis_code(count):
        steps = numpy.arange(half // 2, dtype=numpy.float32) / (half / 2.0)
        angle = numpy.outer(numpy.arange(count, dtype=numpy.float32), 1.0 / 7500.0 ** steps)
        return numpy.hstack((numpy.sin(angle), numpy.cos(angle)))

    tall, wide = (shape, shape) if isinstance(shape, int) else shape
    code = numpy.empty((tall, wide, 2 * half), dtype=numpy.float32)
    code[..., :half] = axis_code(tall)[:, None, :]
    code[..., half:] = axis_code(wide)[None, :, :]
    return code


class QueryCompressor(Module):
    def __init__(self, length, size, heads, input_size=None, stretch=True, limit=None):
        super().__init__()
        self.size, self.heads, self.length = size, heads, length
        self.stretch = stretch
        self.limit = limit if limit else (32, 32)

        same = input_size is None or input_size == size
        self.enter = Identity() if same else Linear(input_size, size, bias=False)
        self.norms = torch.nn.ModuleDict({k: LayerNorm(size, eps=1e-6) for k in ("ask", "keys", "end")})
        self.mix = MultiheadAttention(size, heads)
        self.share = Parameter(torch.ones(1) * 0.25)
        self.turn = Parameter(torch.randn(size, size) / math.sqrt(size))
        self.asks = Parameter(torch.empty(length, size))
        self._write_table("cpu")
        self.apply(start_small)
        init.trunc_normal_(self.asks, std=0.017)

    def _write_table(self, device):
        self.register_buffer(
            "table", torch.as_tensor(plane_code(self.size, self.limit), dtype=torch.float32, device=device),
            persistent=False,
        )

    def _codes(self, tall, wide):
        if self.stretch:
            side = tall if tall > wide else wide
            square = self.table[:side, :side]
            if tall == wide:
                return square.reshape(side * side, -1)
            planes = square.movedim(-1, 0)[None]
            planes = F.interpolate(planes, (tall, wide), mode="bicubic", align_corners=False)[0]
            return planes.reshape(planes.size(0), -1).t()
        return self.table[:tall, :wide].flatten(0, 1)

    def _check_table(self, shapes, device):
        need = [int(n) for n in shapes.max(dim=0).values]
        if all(n <= have for n, have in zip(need, self.limit)):
            return
        LOG.info("code table grows beyond %s", self.limit)
        self.limit = tuple(max(math.ceil(n * 1.25), have) for n, have in zip(need, self.limit))
        self._write_table(device)

    def _keys(self, shapes, device, dtype):
        """Codes (positions, batch, size) and the mask of unused positions (batch, positions)."""
        self._check_table(shapes, device)
        codes = [self._codes(tall, wide).to(dtype) for tall, wide in shapes.tolist()]
        used = shapes[:, 0] * shapes[:, 1]
        unused = torch.arange(int(used.max()), device=device)[None, :] >= used[:, None].to(device)
        return pad_sequence(codes), unused

    def forward(self, patches, shapes):
        codes, unused = self._keys(shapes, patches.device, patches.dtype)
        patches = patches[:, : unused.size(1)]
        values = self.norms["keys"](self.enter(patches)).transpose(0, 1)
        asks = self.norms["ask"](self.asks)
        keys = values + codes
        mixed, _ = self.mix(
            asks[:, None, :].expand(-1, patches.size(0), -1), keys, values,
            need_weights=False, key_padding_mask=unused,
        )
        mixed = mixed.transpose(0, 1) + asks[None] * self.share.tanh()
        return torch.matmul(self.norms["end"](mixed), self.turn)
