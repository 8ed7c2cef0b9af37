"""Lumen-VL: a small vision-language model.

picture -> tiles -> vision tower -> resampler -> projector -> decoder-only language model
"""

import math
from typing import List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from .configuration_lumen_vl import LumenVLConfig
from .resampler import LumenResampler, sincos_2d

IGNORE_INDEX = -100


def pack_strips(strips: List[torch.Tensor], tgt_sizes: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Pad strips (3, p, n_i * p) to one batch; also a mask that is True on real patches."""
    longest = max(strip.size(-1) for strip in strips)
    batch = strips[0].new_zeros((len(strips), strips[0].size(0), strips[0].size(1), longest))
    for i, strip in enumerate(strips):
        batch[i, :, :, : strip.size(-1)] = strip
    patch_len = tgt_sizes.prod(dim=-1)
    positions = torch.arange(longest // strips[0].size(1), device=patch_len.device)
    return batch, positions.unsqueeze(0) < patch_len.unsqueeze(1)


def rotate_pairs(x):
    # interleaved pairs, not halves
    even = x[..., 0::2]
    odd = x[..., 1::2]
    return torch.stack((-odd, even), dim=-1).flatten(-2)


def apply_rotary(q, k, cos, sin):
    cos = cos.unsqueeze(1)
    sin = sin.unsqueeze(1)
    q_embed = q * cos + rotate_pairs(q) * sin
    k_embed = k * cos + rotate_pairs(k) * sin
    return q_embed, k_embed


class LumenPatchEmbed(nn.Module):
    """Linear patch projection over a strip, with fixed 2D sin-cos positions scaled by a learned factor."""

    def __init__(self, config):
        super().__init__()
        self.patch_size = config.patch_size
        self.hidden_size = config.hidden_size
        self.proj = nn.Conv2d(
            config.in_channels, config.hidden_size, kernel_size=config.patch_size, stride=config.patch_size
        )
        self.pos_scale = nn.Parameter(torch.tensor(0.6))
        table = torch.from_numpy(sincos_2d(config.hidden_size, config.grid_side)).float()
        self.register_buffer("pos_table", table, persistent=False)

    def bucket_positions(self, rows, columns):
        """Spread a rows x columns tile over the fixed table and gather the nearest entries."""
        side = self.pos_table.size(0)
        row_ids = (torch.arange(rows) + 0.5) * side / rows
        col_ids = (torch.arange(columns) + 0.5) * side / columns
        row_ids = row_ids.long().clamp(max=side - 1)
        col_ids = col_ids.long().clamp(max=side - 1)
        return self.pos_table[row_ids][:, col_ids].reshape(rows * columns, -1)

    def forward(self, strips, tgt_sizes):
        x = self.proj(strips).flatten(2).transpose(1, 2)
        pos = torch.zeros_like(x)
        for i, (rows, columns) in enumerate(tgt_sizes.tolist()):
            pos[i, : rows * columns] = self.bucket_positions(rows, columns).to(x)
        return x + self.pos_scale * pos


class LumenVisionAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.num_heads = config.num_heads
        self.head_dim = config.hidden_size // config.num_heads
        self.qkv = nn.Linear(config.hidden_size, config.hidden_size * 3)
        self.out = nn.Linear(config.hidden_size, config.hidden_size)
        # one learned temperature for each head, kept in log space
        self.log_temperature = nn.Parameter(torch.full((config.num_heads, 1, 1), math.log(10.0)))

    def forward(self, x, mask=None):
        batch, length, width = x.shape
        qkv = self.qkv(x).reshape(batch, length, 3, self.num_heads, self.head_dim).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        # cosine attention: norms of the queries and keys are thrown away
        q = F.normalize(q, dim=-1)
        k = F.normalize(k, dim=-1)
        scale = self.log_temperature.clamp(max=math.log(80.0)).exp()
        scores = (q @ k.transpose(-2, -1)) * scale
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], torch.finfo(scores.dtype).min)
        weights = scores.softmax(dim=-1)
        x = (weights @ v).transpose(1, 2).reshape(batch, length, width)
        return self.out(x)


class LumenVisionMLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        inner = int(config.hidden_size * config.mlp_ratio)
        self.fc1 = nn.Linear(config.hidden_size, inner)
        self.fc2 = nn.Linear(inner, config.hidden_size)

    def forward(self, x):
        x = self.fc1(x)
        x = x * torch.sigmoid(1.702 * x)
        return self.fc2(x)


class LumenVisionBlock(nn.Module):
    def __init__(self, config, layer_idx):
        super().__init__()
        self.norm1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.attn = LumenVisionAttention(config)
        self.norm2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = LumenVisionMLP(config)
        # deeper blocks start closer to the identity
        gamma = config.layer_scale_init / (1 + layer_idx / 6)
        self.gamma1 = nn.Parameter(gamma * torch.ones(config.hidden_size))
        self.gamma2 = nn.Parameter(gamma * torch.ones(config.hidden_size))

    def forward(self, x, mask=None):
        x = x + self.gamma1 * self.attn(self.norm1(x), mask)
        x = x + self.gamma2 * self.mlp(self.norm2(x))
        return x


class LumenVisionTower(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed = LumenPatchEmbed(config)
        depth = config.depth - 1 if config.drop_last_block else config.depth
        self.blocks = nn.ModuleList([LumenVisionBlock(config, i) for i in range(depth)])
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, strips, tgt_sizes, mask=None):
        """Returns the mean of the normalised outputs of every sixth block and of the last one."""
        x = self.embed(strips, tgt_sizes)
        taps = []
        for i, block in enumerate(self.blocks):
            x = block(x, mask)
            if (i + 1) % 6 == 0 or i == len(self.blocks) - 1:
                taps.append(self.norm(x))
        return sum(taps) / len(taps)


class LumenProjector(nn.Module):
    """Two linear layers with a shortcut around them."""

    def __init__(self, width, bottleneck=3):
        super().__init__()
        self.down = nn.Linear(width, width // bottleneck)
        self.up = nn.Linear(width // bottleneck, width)
        self.act = nn.SiLU()
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, features):
        return features + self.up(self.act(self.down(features)))


class LumenRMSNorm(nn.Module):
    """RMS norm whose weight is stored as an offset from one."""

    def __init__(self, hidden_size, eps=1e-5):
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(hidden_size))
        self.eps = eps

    def forward(self, hidden):
        dtype = hidden.dtype
        hidden = hidden.float()
        hidden = hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + self.eps)
        return ((1.0 + self.offset.float()) * hidden).to(dtype)


class LumenRotary(nn.Module):
    def __init__(self, dim, theta=40000.0):
        super().__init__()
        inv_freq = 1.0 / (theta ** (torch.arange(0, dim, 2).float() / dim))
        self.register_buffer("inv_freq", inv_freq, persistent=False)

    def forward(self, position_ids, dtype):
        freqs = position_ids[..., None].float() * self.inv_freq
        freqs = freqs.repeat_interleave(2, dim=-1)
        return freqs.cos().to(dtype), freqs.sin().to(dtype)


class LumenAttention(nn.Module):
    def __init__(self, config, layer_idx):
        super().__init__()
        self.layer_idx = layer_idx
        self.num_heads = config.num_attention_heads
        self.num_kv_heads = config.num_key_value_heads
        self.groups = self.num_heads // self.num_kv_heads
        self.head_dim = config.hidden_size // self.num_heads
        self.q_proj = nn.Linear(config.hidden_size, self.num_heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, self.num_kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, self.num_kv_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(self.num_heads * self.head_dim, config.hidden_size, bias=False)

    def _split(self, x, heads):
        return x.view(x.size(0), x.size(1), heads, self.head_dim).transpose(1, 2)

    def forward(self, hidden, cos, sin, bias, past=None):
        q = self._split(self.q_proj(hidden), self.num_heads)
        k = self._split(self.k_proj(hidden), self.num_kv_heads)
        v = self._split(self.v_proj(hidden), self.num_kv_heads)
        q, k = apply_rotary(q, k, cos, sin)
        if past is not None:
            k = torch.cat([past[0], k], dim=2)
            v = torch.cat([past[1], v], dim=2)
        present = (k, v)

        k = k.repeat_interleave(self.groups, dim=1)
        v = v.repeat_interleave(self.groups, dim=1)
        scores = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(self.head_dim)
        scores = scores + bias
        weights = F.softmax(scores, dim=-1, dtype=torch.float32).to(q.dtype)
        out = torch.matmul(weights, v).transpose(1, 2).contiguous()
        return self.o_proj(out.flatten(2)), present


class LumenDecoderLayer(nn.Module):
    def __init__(self, config, layer_idx):
        super().__init__()
        self.attn = LumenAttention(config, layer_idx)
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
        self.input_norm = LumenRMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp_norm = LumenRMSNorm(config.hidden_size, config.rms_norm_eps)
        self.residual_scale = config.residual_depth_scale / math.sqrt(config.num_hidden_layers)

    def forward(self, hidden, cos, sin, bias, past=None):
        residual = hidden
        hidden, present = self.attn(self.input_norm(hidden), cos, sin, bias, past)
        hidden = residual + hidden * self.residual_scale

        residual = hidden
        hidden = self.mlp_norm(hidden)
        hidden = self.down_proj(F.silu(self.gate_proj(hidden)) * self.up_proj(hidden))
        return residual + hidden * self.residual_scale, present


class LumenPreTrainedModel(PreTrainedModel):
    config_class = LumenVLConfig
    base_model_prefix = "model"
    _no_split_modules = ["LumenDecoderLayer", "LumenVisionBlock"]

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(mean=0.0, std=0.018)
            if module.bias is not None:
                module.bias.data.zero_()
        elif isinstance(module, nn.Embedding):
            module.weight.data.normal_(mean=0.0, std=0.018)


class LumenVLModel(LumenPreTrainedModel):
    """Vision tower, resampler and decoder, without the output head."""

    def __init__(self, config):
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.vision = LumenVisionTower(config.vision_config)
        self.resampler = LumenResampler(
            num_queries=config.query_num,
            embed_dim=config.hidden_size,
            num_heads=config.hidden_size // 128,
            kv_dim=config.vision_config.hidden_size,
        )
        self.projector = LumenProjector(config.hidden_size)
        self.layers = nn.ModuleList([LumenDecoderLayer(config, i) for i in range(config.num_hidden_layers)])
        self.norm = LumenRMSNorm(config.hidden_size, config.rms_norm_eps)
        self.rotary = LumenRotary(config.hidden_size // config.num_attention_heads, config.rope_theta)

    def encode_images(self, pixel_values, tgt_sizes):
        """Lists (one entry per sample) of strips and sizes -> list of (tiles, query_num, hidden) or []."""
        strips = []
        counts = []
        for sample in pixel_values:
            counts.append(len(sample))
            strips.extend(strip.to(self.device, self.dtype) for strip in sample)
        if not strips:
            return [[] for _ in counts]

        sizes = torch.vstack([size for size in tgt_sizes if len(size) > 0]).to(self.device)
        batch, mask = pack_strips(strips, sizes)
        # long batches are run in chunks to keep the peak memory flat
        chunk = 24
        features = []
        for start in range(0, len(strips), chunk):
            piece = slice(start, start + chunk)
            hidden = self.vision(batch[piece], sizes[piece], mask[piece])
            features.append(self.resampler(hidden, sizes[piece]))
        features = self.projector(torch.cat(features, dim=0))
        return [part if len(part) > 0 else [] for part in torch.split(features, counts)]

    def merge_embeddings(self, input_ids, image_features, image_bound):
        """Overwrite the placeholder positions with the image features of the same sample."""
        embeds = self.embed_tokens(input_ids) * math.sqrt(self.config.hidden_size) / 12.0
        for i, features in enumerate(image_features):
            if len(features) == 0:
                if self.training:
                    # keep the vision parameters in the graph of every rank
                    embeds[i] = embeds[i] + 0.0 * self.resampler.query.mean()
                continue
            bound = image_bound[i]
            if len(bound) == 0:
                continue
            indices = torch.cat([torch.arange(s, e, device=embeds.device) for s, e in bound.tolist()])
            flat = features.reshape(-1, features.size(-1))[: len(indices)]
            embeds[i] = embeds[i].scatter(0, indices.unsqueeze(-1).expand_as(flat), flat.to(embeds.dtype))
        return embeds

    def attention_bias(self, attention_mask, query_len, dtype):
        """Additive causal bias (batch, 1, query_len, key_len)."""
        key_len = attention_mask.size(1)
        offset = key_len - query_len
        query_pos = torch.arange(query_len, device=attention_mask.device) + offset
        key_pos = torch.arange(key_len, device=attention_mask.device)
        visible = key_pos[None, :] <= query_pos[:, None]
        visible = visible[None] & attention_mask[:, None, :].bool()
        bias = torch.zeros(visible.shape, dtype=dtype, device=visible.device)
        return bias.masked_fill(~visible, torch.finfo(dtype).min).unsqueeze(1)

    def forward(self, inputs_embeds, attention_mask, position_ids, past_key_values=None, use_cache=False):
        bias = self.attention_bias(attention_mask, inputs_embeds.size(1), inputs_embeds.dtype)
        cos, sin = self.rotary(position_ids, inputs_embeds.dtype)
        hidden = inputs_embeds
        presents = [] if use_cache else None
        for i, layer in enumerate(self.layers):
            past = past_key_values[i] if past_key_values is not None else None
            hidden, present = layer(hidden, cos, sin, bias, past)
            if use_cache:
                presents.append(present)
        return BaseModelOutputWithPast(
            last_hidden_state=self.norm(hidden), past_key_values=tuple(presents) if use_cache else None
        )


class LumenVLForConditionalGeneration(LumenPreTrainedModel):
    _tied_weights_keys = ["lm_head.weight"]

    def __init__(self, config):
        super().__init__(config)
        self.model = LumenVLModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self):
        return self.model.embed_tokens

    def get_output_embeddings(self):
        return self.lm_head

    def compute_loss(self, logits, labels):
        """Shifted cross entropy with a z-loss; samples with few answer tokens are not drowned out."""
        logits = logits[:, :-1].float()
        labels = labels[:, 1:]
        valid = labels.ne(IGNORE_INDEX)
        token_loss = F.cross_entropy(
            logits.transpose(1, 2), labels, ignore_index=IGNORE_INDEX, reduction="none"
        )
        z = torch.logsumexp(logits, dim=-1) ** 2
        token_loss = token_loss + self.config.z_loss_weight * z * valid
        counts = valid.sum(dim=1).clamp(min=1)
        weights = counts.float().sqrt()
        per_sample = token_loss.sum(dim=1) / counts
        return (per_sample * weights).sum() / weights.sum()

    def forward(
        self,
        input_ids=None,
        pixel_values=None,
        tgt_sizes=None,
        image_bound=None,
        attention_mask=None,
        position_ids=None,
        past_key_values=None,
        labels: Optional[torch.Tensor] = None,
        use_cache=False,
        **kwargs,
    ):
        if attention_mask is None:
            past_len = past_key_values[0][0].size(2) if past_key_values is not None else 0
            attention_mask = input_ids.new_ones((input_ids.size(0), past_len + input_ids.size(1)))
        if position_ids is None:
            position_ids = (attention_mask.long().cumsum(-1) - 1).clamp(min=0)[:, -input_ids.size(1) :]

        if pixel_values is None or past_key_values is not None:
            image_features = []
        else:
            image_features = self.model.encode_images(pixel_values, tgt_sizes)
        inputs_embeds = self.model.merge_embeddings(input_ids, image_features, image_bound)

        outputs = self.model(inputs_embeds, attention_mask, position_ids, past_key_values, use_cache)
        logits = self.lm_head(outputs.last_hidden_state)
        cap = self.config.logit_softcap
        if cap:
            logits = cap * torch.tanh(logits / cap)

        loss = self.compute_loss(logits, labels) if labels is not None else None
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=outputs.past_key_values)

    def prepare_inputs_for_generation(self, input_ids, past_key_values=None, attention_mask=None, **kwargs):
        position_ids = None
        if attention_mask is not None:
            position_ids = (attention_mask.long().cumsum(-1) - 1).clamp(min=0)
        model_inputs = {
            "past_key_values": past_key_values,
            "attention_mask": attention_mask,
            "use_cache": kwargs.get("use_cache", True),
        }
        if past_key_values is not None:
            # pictures are already in the cache
            model_inputs["input_ids"] = input_ids[:, -1:]
            model_inputs["position_ids"] = position_ids[:, -1:] if position_ids is not None else None
            return model_inputs

        model_inputs["input_ids"] = input_ids
        model_inputs["position_ids"] = position_ids
        for key in ("pixel_values", "tgt_sizes", "image_bound"):
            model_inputs[key] = kwargs.get(key)
        return model_inputs

    @torch.inference_mode()
    def chat(self, processor, messages, images, max_new_tokens=512, repetition_penalty=1.04, **sampling):
        """One answer for one conversation; `messages` is a list of {"role", "content"}."""
        prompt = ""
        for i, message in enumerate(messages):
            role, content = message["role"], message["content"].strip()
            if i == 0 and role not in ("system", "user"):
                raise ValueError("a conversation starts with the system or the user, not with %r" % role)
            prompt += "<|{}|>\n{}<|turn_over|>\n".format(role, content)
        prompt += "<|assistant|>\n"

        inputs = processor(prompt, images).to(self.device)
        output_ids = self.generate(
            **inputs,
            max_new_tokens=max_new_tokens,
            repetition_penalty=repetition_penalty,
            eos_token_id=processor.tokenizer.turn_end_ids,
            **sampling,
        )
        new_ids = output_ids[:, inputs["input_ids"].shape[1] :]
        return processor.decode_answers(new_ids)[0]

    @staticmethod
    def _reorder_cache(past_key_values, beam_idx):
        reordered = []
        for layer_past in past_key_values:
            reordered.append(tuple(state.index_select(0, beam_idx.to(state.device)) for state in layer_past))
        return tuple(reordered)
