import logging
import math

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from .compressor import Adapter, QueryCompressor
from .settings import NovaSettings
from .vision_net import VisionNet, stack_ribbons

LOG = logging.getLogger("nova_sight.model")
NO_TARGET = -100
TILES_AT_ONCE = 24


class CentredNorm(nn.Module):
    def __init__(self, size, floor=1e-5):
        super().__init__()
        self.floor = floor
        self.shift = nn.Parameter(torch.zeros(size))

    def forward(self, state):
        wide = state.to(torch.float32)
        power = wide.square().mean(dim=-1, keepdim=True)
        wide = wide / torch.sqrt(power + self.floor)
        wide = wide + wide * self.shift.to(torch.float32)
        return wide.type_as(state)


class Phases(nn.Module):
    """Rotary positions. Adjacent channels form the pairs that are turned."""

    def __init__(self, size, wavelength=40000.0):
        super().__init__()
        exponent = torch.arange(0, size, 2).float() / size
        self.register_buffer("rate", torch.pow(wavelength, -exponent), persistent=False)

    def forward(self, places, dtype):
        phase = places.unsqueeze(-1).float() * self.rate
        return [f(phase).to(dtype).unsqueeze(1) for f in (torch.cos, torch.sin)]

    @staticmethod
    def turn(x, cos, sin):
        a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
        turned = torch.stack((a * cos - b * sin, b * cos + a * sin), dim=-1)
        return turned.flatten(start_dim=-2)


class GroupedAttention(nn.Module):
    def __init__(self, settings):
        super().__init__()
        size = settings.model_dim
        self.shared = settings.shared_heads
        self.per_group = settings.query_heads // self.shared
        self.head_size = size // settings.query_heads
        full = self.head_size * settings.query_heads
        small = self.head_size * self.shared
        self.ask = nn.Linear(size, full, bias=False)
        self.offer = nn.Linear(size, small, bias=False)
        self.carry = nn.Linear(size, small, bias=False)
        self.join = nn.Linear(full, size, bias=False)

    def _project(self, state, phases):
        n, length, _ = state.shape
        shaped = []
        for layer in (self.ask, self.offer, self.carry):
            flat = layer(state)
            shaped.append(flat.reshape(n, length, -1, self.head_size).permute(0, 2, 1, 3))
        q, k, v = shaped
        return Phases.turn(q, *phases), Phases.turn(k, *phases), v

    def forward(self, state, phases, bias, cached=None):
        q, k, v = self._project(state, phases)
        if cached is not None:
            k, v = (torch.cat(pair, dim=-2) for pair in zip(cached, (k, v)))
        # the queries of a group look at the same keys, so broadcast instead of repeating
        grouped = q.unflatten(1, (self.shared, self.per_group)) * self.head_size ** -0.5
        logits = grouped @ k.unsqueeze(2).transpose(-1, -2) + bias.unsqueeze(1)
        share = torch.softmax(logits.float(), dim=-1).type_as(q)
        gathered = (share @ v.unsqueeze(2)).flatten(1, 2)
        gathered = gathered.permute(0, 2, 1, 3).reshape(state.shape[0], state.shape[1], -1)
        return self.join(gathered), (k, v)


class GatedUnit(nn.Module):
    def __init__(self, size, inner):
        super().__init__()
        self.valve, self.feed = nn.Linear(size, inner, bias=False), nn.Linear(size, inner, bias=False)
        self.drain = nn.Linear(inner, size, bias=False)

    def forward(self, state):
        opened = F.silu(self.valve(state))
        return self.drain(self.feed(state) * opened)


class NovaBlock(nn.Module):
    def __init__(self, settings):
        super().__init__()
        size, floor = settings.model_dim, settings.norm_floor
        self.damping = settings.depth_gain * settings.blocks ** -0.5
        self.norm_unit = CentredNorm(size, floor)
        self.norm_attend = CentredNorm(size, floor)
        self.unit = GatedUnit(size, settings.inner_dim)
        self.attend = GroupedAttention(settings)

    def forward(self, state, phases, bias, cached=None):
        update, cache = self.attend(self.norm_attend(state), phases, bias, cached)
        state = torch.add(state, update, alpha=self.damping)
        update = self.unit(self.norm_unit(state))
        return torch.add(state, update, alpha=self.damping), cache


class NovaBase(PreTrainedModel):
    base_model_prefix = "backbone"
    config_class = NovaSettings
    _no_split_modules = ["NovaBlock", "VisionLayer"]

    def _init_weights(self, part):
        if not isinstance(part, (nn.Linear, nn.Embedding)):
            return
        nn.init.normal_(part.weight.data, 0.0, 0.018)
        bias = getattr(part, "bias", None)
        if bias is not None:
            nn.init.zeros_(bias.data)


def causal_bias(present, recent, dtype):
    """0 where a token may look, the lowest number of `dtype` elsewhere."""
    total = present.shape[1]
    places = torch.arange(total, device=present.device)
    future = places.unsqueeze(0) > places[total - recent :].unsqueeze(1)
    hidden = future.unsqueeze(0) | ~present.bool().unsqueeze(1)
    lowest = torch.finfo(dtype).min
    bias = torch.zeros(hidden.shape, dtype=dtype, device=hidden.device)
    bias[hidden] = lowest
    return bias[:, None]


class NovaBackbone(NovaBase):
    def __init__(self, config):
        super().__init__(config)
        size = config.model_dim
        self.phases = Phases(size // config.query_heads, config.wavelength)
        self.blocks = nn.ModuleList(NovaBlock(config) for _ in range(config.blocks))
        self.finish = CentredNorm(size, config.norm_floor)
        self.words = nn.Embedding(config.vocab_size, size, padding_idx=config.pad_token_id)
        self.eyes = VisionNet(config.sight)
        self.compress = QueryCompressor(config.summary_len, size, size // 128, input_size=config.sight.width)
        self.adapt = Adapter(size)

    def _summaries(self, ribbons, shapes):
        stacked, real = stack_ribbons(ribbons, shapes)
        done = []
        triples = zip(stacked.split(TILES_AT_ONCE), shapes.split(TILES_AT_ONCE), real.split(TILES_AT_ONCE))
        for some, their_shapes, their_real in triples:
            done += [self.compress(self.eyes(some, their_shapes, their_real), their_shapes)]
        return self.adapt(torch.cat(done))

    def see(self, ribbons, shapes):
        per_sample = list(map(len, ribbons))
        if sum(per_sample) == 0:
            return [[] for _ in ribbons]
        flat = [r.to(device=self.device, dtype=self.dtype) for sample in ribbons for r in sample]
        all_shapes = torch.cat([s for s in shapes if len(s)]).to(self.device)
        LOG.debug("looking at %d tiles", len(flat))
        features = self._summaries(flat, all_shapes)

        out, first = [], 0
        for n in per_sample:
            out.append(features[first : first + n] if n else [])
            first = first + n
        return out

    @staticmethod
    def _places(spans, device):
        ranges = [torch.arange(first, last) for first, last in spans.tolist()]
        return torch.cat(ranges).to(device)

    def blend(self, token_ids, features, spans):
        factor = math.sqrt(self.config.model_dim) / 12.0
        mixed = self.words(token_ids) * factor
        for n in range(len(features)):
            if len(features[n]) > 0:
                if len(spans[n]) > 0:
                    places = self._places(spans[n], mixed.device)
                    rows = features[n].flatten(0, -2)[: places.numel()].type_as(mixed)
                    mixed[n, places[: len(rows)]] = rows
            elif self.training:
                # a text-only sample still has to touch the compressor
                mixed[n] = mixed[n] + self.compress.asks.mean() * 0.0
        return mixed

    def forward(self, embedded, present, places, cached=None, keep_cache=False):
        phases = self.phases(places, embedded.dtype)
        bias = causal_bias(present, embedded.shape[1], embedded.dtype)
        cached = cached if cached is not None else [None] * len(self.blocks)
        state, caches = embedded, []
        for block, old in zip(self.blocks, cached):
            state, new = block(state, phases, bias, old)
            caches.append(new)
        result = BaseModelOutputWithPast(last_hidden_state=self.finish(state))
        if keep_cache:
            result.past_key_values = tuple(caches)
        return result


def answer_loss(logits, labels, partition_penalty):
    logits, labels = logits[:, :-1, :].to(torch.float32), labels[:, 1:]
    asked = labels != NO_TARGET
    partition = torch.logsumexp(logits, dim=-1)
    target = logits.gather(-1, labels.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    cost = partition - target + partition_penalty * partition.square()
    cost = torch.where(asked, cost, torch.zeros_like(cost))
    n = asked.sum(-1).clamp(min=1)
    importance = torch.sqrt(n.float())
    return torch.sum(cost.sum(-1) / n * importance) / torch.sum(importance)


def build_script(turns):
    first = turns[0]["role"] if turns else "user"
    if first != "system" and first != "user":
        raise ValueError(f"the first turn belongs to {first!r}")
    lines = [f"<|{t['role']}|>\n{t['content'].strip()}<|turn_over|>" for t in turns]
    lines.append("<|assistant|>")
    return "\n".join(lines) + "\n"


class NovaSight(NovaBase):
    _tied_weights_keys = ["speak.weight"]

    def __init__(self, config):
        super().__init__(config)
        self.speak = nn.Linear(config.model_dim, config.vocab_size, bias=False)
        self.backbone = NovaBackbone(config)
        self.post_init()

    def get_output_embeddings(self):
        head = self.speak
        return head

    def get_input_embeddings(self):
        words = self.backbone.words
        return words

    def parameter_millions(self):
        total = 0
        for p in self.parameters():
            total += p.numel()
        return round(total / 1e6, 1)

    @staticmethod
    def _positions(present, last=None):
        running = torch.cumsum(present.long(), dim=-1) - 1
        running = torch.maximum(running, torch.zeros_like(running))
        return running if last is None else running[:, -last:]

    def _squash(self, logits):
        limit = self.config.ceiling
        if not limit:
            return logits
        return torch.tanh(logits / limit) * limit

    def forward(self, input_ids=None, ribbons=None, shapes=None, spans=None, attention_mask=None,
                position_ids=None, past_key_values=None, labels=None, use_cache=False, **unused):
        n, length = input_ids.shape
        first_step = past_key_values is None
        if attention_mask is None:
            before = 0 if first_step else past_key_values[0][0].shape[-2]
            attention_mask = torch.ones((n, before + length), dtype=input_ids.dtype, device=input_ids.device)
        if position_ids is None:
            position_ids = self._positions(attention_mask, length)

        features = []
        if first_step and ribbons is not None:
            features = self.backbone.see(ribbons, shapes)
        embedded = self.backbone.blend(input_ids, features, spans)
        result = self.backbone(embedded, attention_mask, position_ids, past_key_values, use_cache)
        answer = CausalLMOutputWithPast(
            logits=self._squash(self.speak(result.last_hidden_state)), past_key_values=result.past_key_values
        )
        if labels is not None:
            answer.loss = answer_loss(answer.logits, labels, self.config.partition_penalty)
        return answer

    def prepare_inputs_for_generation(self, input_ids, past_key_values=None, attention_mask=None, **extra):
        places = self._positions(attention_mask) if attention_mask is not None else None
        common = dict(
            attention_mask=attention_mask, past_key_values=past_key_values, use_cache=extra.get("use_cache", True)
        )
        if past_key_values is None:
            pictures = {name: extra.get(name) for name in ("ribbons", "shapes", "spans")}
            return dict(common, input_ids=input_ids, position_ids=places, **pictures)
        if places is not None:
            places = places[:, -1].unsqueeze(-1)
        return dict(common, input_ids=input_ids[:, -1].unsqueeze(-1), position_ids=places)

    @torch.inference_mode()
    def ask(self, pipeline, turns, pictures, longest=512, boredom=1.04, **sampling):
        batch = pipeline(build_script(turns), pictures).to(self.device)
        skip = batch["input_ids"].size(1)
        LOG.debug("prompt of %d tokens", skip)
        sampling.update(
            max_new_tokens=longest, repetition_penalty=boredom, eos_token_id=pipeline.tokenizer.final_ids
        )
        answer, *_ = pipeline.read(self.generate(**batch, **sampling)[:, skip:])
        return answer

    @staticmethod
    def _reorder_cache(cached, order):
        return tuple(tuple(kv.index_select(0, order.to(kv.device)) for kv in layer) for layer in cached)
