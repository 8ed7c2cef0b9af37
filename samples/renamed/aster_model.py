# Aster-Chat: an assistant which can look at photos.
import math
import typing as T

import torch
import torch.nn as N
import torch.nn.functional as fn
from transformers import PreTrainedModel
from transformers.modeling_outputs import (
    BaseModelOutputWithPast,
    CausalLMOutputWithPast,
)

from .aster_config import AsterChatConfig
from .latents import AsterLatentPooler, wave_plane

SKIP_LABEL = -100


def stack_ribbons(ribbons: T.List[torch.Tensor], shapes: torch.Tensor) -> T.Tuple[torch.Tensor, torch.Tensor]:
    reach = max(ribbon.size(-1) for ribbon in ribbons)
    stack = ribbons[0].new_zeros((
        len(ribbons), ribbons[0].size(0), ribbons[0].size(1), reach))
    for k, ribbon in enumerate(ribbons):
        stack[k, :, :, :ribbon.size(-1)] = ribbon
    n_cells = shapes.prod(dim=-1)
    index = torch.arange(reach // ribbons[0].size(1), device=n_cells.device)
    return stack, index.unsqueeze(0) < n_cells.unsqueeze(1)


def quarter_turn(v):
    first = v[..., 0::2]
    second = v[..., 1::2]
    return torch.stack((-second, first), dim=-1).flatten(-2)


def spin(a, b, c, s):
    """Rotate queries `a` and keys `b`."""
    c = c.unsqueeze(1)
    s = s.unsqueeze(1)
    a_spun = a * c + quarter_turn(a) * s
    b_spun = b * c + quarter_turn(b) * s
    return a_spun, b_spun


class AsterCellEmbed(N.Module):

    def __init__(self, cfg):
        super().__init__()
        self.cell = cfg.patch
        self.dim = cfg.dim
        self.lift = N.Conv2d(cfg.channels, cfg.dim,
                             kernel_size=cfg.patch, stride=cfg.patch)
        self.code_gain = N.Parameter(torch.tensor(0.6))
        codes = torch.from_numpy(wave_plane(cfg.dim, cfg.cells_per_side)).float()
        self.register_buffer('code_table', codes, persistent=False)

    def nearest_codes(self, n_rows, n_cols):
        span = self.code_table.size(0)
        ys = (torch.arange(n_rows) + 0.5) * span / n_rows
        xs = (torch.arange(n_cols) + 0.5) * span / n_cols
        ys = ys.long().clamp(max=span - 1)
        xs = xs.long().clamp(max=span - 1)
        return self.code_table[ys][:, xs].reshape(n_rows * n_cols, -1)

    def forward(self, ribbons, shapes):
        h = self.lift(ribbons).flatten(2).transpose(1, 2)
        codes = torch.zeros_like(h)
        for k, (n_rows, n_cols) in enumerate(shapes.tolist()):
            codes[k, :n_rows * n_cols] = self.nearest_codes(n_rows, n_cols).to(h)
        return h + self.code_gain * codes


class AsterEyeAttention(N.Module):
    """Self-attention on unit vectors."""

    def __init__(self, cfg):
        super().__init__()
        self.n_heads = cfg.n_heads
        self.per_head = cfg.dim // cfg.n_heads
        self.fused = N.Linear(cfg.dim, cfg.dim * 3)
        self.final = N.Linear(cfg.dim, cfg.dim)
        self.log_sharpness = N.Parameter(torch.full((cfg.n_heads, 1, 1), math.log(10.0)))

    def forward(self, h, keep=None):
        n, count, dim = h.shape
        fused = self.fused(h).reshape(n, count, 3, self.n_heads, self.per_head).permute(2, 0, 3, 1, 4)
        a, b, c = fused.unbind(0)
        a = fn.normalize(a, dim=-1)
        b = fn.normalize(b, dim=-1)
        sharpness = self.log_sharpness.clamp(max=math.log(80.0)).exp()
        affinity = (a @ b.transpose(-2, -1)) * sharpness
        if keep is not None:
            affinity = affinity.masked_fill(
                ~keep[:, None, None, :], torch.finfo(affinity.dtype).min)
        probs = affinity.softmax(dim=-1)
        h = (probs @ c).transpose(1, 2).reshape(n, count, dim)
        return self.final(h)


class AsterEyeFeedForward(N.Module):

    def __init__(self, cfg):
        super().__init__()
        wide = int(cfg.dim * cfg.ff_ratio)
        self.expand = N.Linear(cfg.dim, wide)
        self.shrink = N.Linear(wide, cfg.dim)

    def forward(self, h):
        h = self.expand(h)
        h = h * torch.sigmoid(1.702 * h)
        return self.shrink(h)


class AsterEyeLayer(N.Module):

    def __init__(self, cfg, depth_index):
        super().__init__()
        self.pre_attn = N.LayerNorm(cfg.dim, eps=cfg.ln_eps)
        self.mix = AsterEyeAttention(cfg)
        self.pre_ff = N.LayerNorm(cfg.dim, eps=cfg.ln_eps)
        self.ff = AsterEyeFeedForward(cfg)
        gain = cfg.scale_init / (1 + depth_index / 6)
        self.gain_a = N.Parameter(gain * torch.ones(cfg.dim))
        self.gain_b = N.Parameter(gain * torch.ones(cfg.dim))

    def forward(self, h, keep=None):
        h = h + self.gain_a * self.mix(self.pre_attn(h), keep)
        h = h + self.gain_b * self.ff(self.pre_ff(h))
        return h


class AsterEye(N.Module):
    """Image encoder; averages a few intermediate layers."""

    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.stem = AsterCellEmbed(cfg)
        n_used = cfg.n_blocks - 1 if cfg.skip_final else cfg.n_blocks
        self.stack = N.ModuleList([AsterEyeLayer(cfg, k) for k in range(n_used)])
        self.closing = N.LayerNorm(cfg.dim, eps=cfg.ln_eps)

    def forward(self, ribbons, shapes, keep=None):
        h = self.stem(ribbons, shapes)
        kept = []
        for k, layer in enumerate(self.stack):
            h = layer(h, keep)
            if (k + 1) % 6 == 0 or k == len(self.stack) - 1:
                kept.append(self.closing(h))
        return sum(kept) / len(kept)


class AsterBridge(N.Module):

    def __init__(self, dim, squeeze=3):
        super().__init__()
        self.enter = N.Linear(dim, dim // squeeze)
        self.leave = N.Linear(dim // squeeze, dim)
        self.swish = N.SiLU()
        N.init.zeros_(self.leave.weight)
        N.init.zeros_(self.leave.bias)

    def forward(self, latents):
        return latents + self.leave(self.swish(self.enter(latents)))


class AsterNorm(N.Module):

    def __init__(self, dim, tiny=1e-5):
        super().__init__()
        self.delta = N.Parameter(torch.zeros(dim))
        self.tiny = tiny

    def forward(self, h):
        kind = h.dtype
        h = h.float()
        h = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.tiny)
        return ((1.0 + self.delta.float()) * h).to(kind)


class AsterAngles(N.Module):

    def __init__(self, width, base=40000.0):
        super().__init__()
        speeds = 1.0 / (base ** (torch.arange(0, width, 2).float() / width))
        self.register_buffer('speeds', speeds, persistent=False)

    def forward(self, places, kind):
        angles = places[..., None].float() * self.speeds
        angles = angles.repeat_interleave(2, dim=-1)
        return angles.cos().to(kind), angles.sin().to(kind)


class AsterSelfAttention(N.Module):
    """Grouped-query attention of the language model."""

    def __init__(self, cfg, depth_index):
        super().__init__()
        self.depth_index = depth_index
        self.n_heads = cfg.n_heads
        self.n_shared = cfg.n_kv_heads
        self.share = self.n_heads // self.n_shared
        self.per_head = cfg.dim // self.n_heads
        self.to_q = N.Linear(cfg.dim, self.n_heads * self.per_head, bias=False)
        self.to_k = N.Linear(cfg.dim, self.n_shared * self.per_head, bias=False)
        self.to_v = N.Linear(cfg.dim, self.n_shared * self.per_head, bias=False)
        self.to_out = N.Linear(self.n_heads * self.per_head, cfg.dim, bias=False)

    def _heads(self, v, count):
        return v.view(v.size(0), v.size(1), count, self.per_head).transpose(1, 2)

    def forward(self, h, c, s, fence, memory=None):
        ask = self._heads(self.to_q(h), self.n_heads)
        key = self._heads(self.to_k(h), self.n_shared)
        val = self._heads(self.to_v(h), self.n_shared)
        ask, key = spin(ask, key, c, s)
        if memory is not None:
            key = torch.cat([memory[0], key], dim=2)
            val = torch.cat([memory[1], val], dim=2)
        updated = (key, val)

        key = key.repeat_interleave(self.share, dim=1)
        val = val.repeat_interleave(self.share, dim=1)
        affinity = torch.matmul(ask, key.transpose(2, 3)) / math.sqrt(self.per_head)
        affinity = affinity + fence
        probs = fn.softmax(affinity, dim=-1, dtype=torch.float32).to(ask.dtype)
        mixed = torch.matmul(probs, val).transpose(1, 2).contiguous()
        return self.to_out(mixed.flatten(2)), updated


class AsterLayer(N.Module):

    def __init__(self, cfg, depth_index):
        super().__init__()
        self.mix = AsterSelfAttention(cfg, depth_index)
        self.ff_gate = N.Linear(cfg.dim, cfg.ff_dim, bias=False)
        self.ff_in = N.Linear(cfg.dim, cfg.ff_dim, bias=False)
        self.ff_out = N.Linear(cfg.ff_dim, cfg.dim, bias=False)
        self.pre_mix = AsterNorm(cfg.dim, cfg.eps)
        self.pre_ff = AsterNorm(cfg.dim, cfg.eps)
        self.branch = cfg.branch_gain / math.sqrt(cfg.n_layers)

    def forward(self, h, c, s, fence, memory=None):
        skip = h
        h, updated = self.mix(self.pre_mix(h), c, s, fence, memory)
        h = skip + h * self.branch

        skip = h
        h = self.pre_ff(h)
        h = self.ff_out(fn.silu(self.ff_gate(h)) * self.ff_in(h))
        return skip + h * self.branch, updated


class AsterBase(PreTrainedModel):
    config_class = AsterChatConfig
    base_model_prefix = 'core'
    _no_split_modules = ['AsterLayer', 'AsterEyeLayer']

    def _init_weights(self, layer):
        if isinstance(layer, N.Linear):
            layer.weight.data.normal_(mean=0.0, std=0.018)
            if layer.bias is not None:
                layer.bias.data.zero_()
        elif isinstance(layer, N.Embedding):
            layer.weight.data.normal_(mean=0.0, std=0.018)


class AsterCore(AsterBase):

    def __init__(self, cfg):
        super().__init__(cfg)
        self.words = N.Embedding(cfg.vocab_size, cfg.dim, cfg.pad_token_id)
        self.eye = AsterEye(cfg.eye)
        self.pooler = AsterLatentPooler(
            n_latents=cfg.n_latents, width=cfg.dim,
            n_heads=cfg.dim // 128, source_width=cfg.eye.dim)
        self.bridge = AsterBridge(cfg.dim)
        self.stack = N.ModuleList(
            [AsterLayer(cfg, k) for k in range(cfg.n_layers)]
        )
        self.closing = AsterNorm(cfg.dim, cfg.eps)
        self.angles = AsterAngles(cfg.dim // cfg.n_heads, cfg.rotary_base)

    def look(self, all_ribbons, all_shapes):
        ribbons = []
        per_prompt = []
        for own in all_ribbons:
            per_prompt.append(len(own))
            ribbons.extend(ribbon.to(self.device, self.dtype) for ribbon in own)
        if not ribbons:
            return [[] for _ in per_prompt]

        shapes = torch.vstack(
            [shape for shape in all_shapes if len(shape) > 0]
        ).to(self.device)
        stack, keep = stack_ribbons(ribbons, shapes)
        step = 24
        seen = []
        for first in range(0, len(ribbons), step):
            window = slice(first, first + step)
            h = self.eye(stack[window], shapes[window], keep[window])
            seen.append(self.pooler(h, shapes[window]))
        seen = self.bridge(torch.cat(seen, dim=0))
        return [group if len(group) > 0 else [] for group in torch.split(seen, per_prompt)]

    def insert_photos(self, token_ids, seen, spans):
        vectors = self.words(token_ids) * math.sqrt(self.config.dim) / 12.0
        for k, latents in enumerate(seen):
            if len(latents) == 0:
                if self.training:
                    vectors[k] = vectors[k] + 0.0 * self.pooler.latents.mean()
                continue
            span = spans[k]
            if len(span) == 0:
                continue
            slots = torch.cat([torch.arange(lo, hi, device=vectors.device) for lo, hi in span.tolist()])
            rows = latents.reshape(-1, latents.size(-1))[:len(slots)]
            vectors[k] = vectors[k].scatter(
                0, slots.unsqueeze(-1).expand_as(rows), rows.to(vectors.dtype))
        return vectors

    def build_fence(self, keep, n_new, kind):
        n_all = keep.size(1)
        already = n_all - n_new
        at = torch.arange(n_new, device=keep.device) + already
        of = torch.arange(n_all, device=keep.device)
        allowed = of[None, :] <= at[:, None]
        allowed = allowed[None] & keep[:, None, :].bool()
        fence = torch.zeros(allowed.shape, dtype=kind, device=allowed.device)
        return fence.masked_fill(~allowed, torch.finfo(kind).min).unsqueeze(1)

    def forward(self, vectors, keep, places, memories=None, remember=False):
        fence = self.build_fence(keep, vectors.size(1), vectors.dtype)
        c, s = self.angles(places, vectors.dtype)
        h = vectors
        updates = [] if remember else None
        for k, layer in enumerate(self.stack):
            memory = memories[k] if memories is not None else None
            h, updated = layer(h, c, s, fence, memory)
            if remember:
                updates.append(updated)
        return BaseModelOutputWithPast(
            last_hidden_state=self.closing(h),
            past_key_values=tuple(updates) if remember else None,
        )


class AsterChatModel(AsterBase):
    _tied_weights_keys = ['to_words.weight']

    def __init__(self, cfg):
        super().__init__(cfg)
        self.core = AsterCore(cfg)
        self.to_words = N.Linear(cfg.dim, cfg.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self):
        return self.core.words

    def get_output_embeddings(self):
        return self.to_words

    def objective(self, scores, answers):
        scores = scores[:, :-1].float()
        answers = answers[:, 1:]
        counted = answers.ne(SKIP_LABEL)
        nll = fn.cross_entropy(scores.transpose(1, 2), answers,
                               ignore_index=SKIP_LABEL, reduction='none')
        square = torch.logsumexp(scores, dim=-1) ** 2
        nll = nll + self.config.zeta * square * counted
        lengths = counted.sum(dim=1).clamp(min=1)
        importance = lengths.float().sqrt()
        each = nll.sum(dim=1) / lengths
        return (each * importance).sum() / importance.sum()

    def forward(self, input_ids=None, ribbons=None, shapes=None, spans=None,
                attention_mask=None, position_ids=None, past_key_values=None,
                labels: T.Optional[torch.Tensor] = None, use_cache=False, **unused):
        if attention_mask is None:
            n_old = past_key_values[0][0].size(2) if past_key_values is not None else 0
            attention_mask = input_ids.new_ones(
                (input_ids.size(0), n_old + input_ids.size(1)))
        if position_ids is None:
            position_ids = (attention_mask.long().cumsum(-1) - 1).clamp(min=0)[:, -input_ids.size(1):]

        if ribbons is None or past_key_values is not None:
            seen = []
        else:
            seen = self.core.look(ribbons, shapes)
        vectors = self.core.insert_photos(input_ids, seen, spans)

        result = self.core(vectors, attention_mask, position_ids, past_key_values, use_cache)
        scores = self.to_words(result.last_hidden_state)
        ceiling = self.config.cap_value
        if ceiling:
            scores = ceiling * torch.tanh(scores / ceiling)

        penalty = self.objective(scores, labels) if labels is not None else None
        return CausalLMOutputWithPast(loss=penalty, logits=scores,
                                      past_key_values=result.past_key_values)

    def prepare_inputs_for_generation(self, input_ids, past_key_values=None,
                                      attention_mask=None, **extras):
        places = None
        if attention_mask is not None:
            places = (attention_mask.long().cumsum(-1) - 1).clamp(min=0)
        feed = {
            'past_key_values': past_key_values,
            'attention_mask': attention_mask,
            'use_cache': extras.get('use_cache', True),
        }
        if past_key_values is not None:
            feed['input_ids'] = input_ids[:, -1:]
            feed['position_ids'] = places[:, -1:] if places is not None else None
            return feed

        feed['input_ids'] = input_ids
        feed['position_ids'] = places
        for name in ('ribbons', 'shapes', 'spans'):
            feed[name] = extras.get(name)
        return feed

    @torch.inference_mode()
    def reply(self, codec, history, photos, budget=512, repeat_cost=1.04, **options):
        """Answer the last message of `history`."""
        script = ''
        for k, entry in enumerate(history):
            speaker, words = entry['role'], entry['content'].strip()
            if k == 0 and speaker not in ('system', 'user'):
                raise ValueError('first message may not come from %r' % speaker)
            script += '<|{}|>\n{}<|turn_over|>\n'.format(speaker, words)
        script += '<|assistant|>\n'

        feed = codec(script, photos).to(self.device)
        produced = self.generate(
            **feed, max_new_tokens=budget, repetition_penalty=repeat_cost,
            eos_token_id=codec.tokenizer.stop_ids, **options)
        fresh = produced[:, feed['input_ids'].shape[1]:]
        return codec.read_replies(fresh)[0]

    @staticmethod
    def _reorder_cache(memories, order):
        shuffled = []
        for memory in memories:
            shuffled.append(tuple(
                part.index_select(0, order.to(part.device)) for part in memory))
        return tuple(shuffled)
