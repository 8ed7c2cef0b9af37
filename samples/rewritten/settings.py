import logging

from transformers import PretrainedConfig

LOG = logging.getLogger("nova_sight")


class NovaSettings(PretrainedConfig):
    """Everything one needs to build a NovaSight network."""

    keys_to_ignore_at_inference = ["past_key_values"]
    model_type = "nova_sight"

    def __init__(self, vocab_size=32016, model_dim=1792, inner_dim=4864, blocks=26, query_heads=14,
                 shared_heads=2, window=6144, wavelength=40000.0, norm_floor=1e-5, depth_gain=1.3,
                 ceiling=22.0, summary_len=72, tiling=True, tile_limit=9, tile_side=448,
                 partition_penalty=3e-5, sight=None, pad_token_id=0, tie_word_embeddings=True, **others):
        super().__init__(pad_token_id=pad_token_id, tie_word_embeddings=tie_word_embeddings, **others)
        self.sight = self._sight_settings(sight)
        # language side
        self.vocab_size, self.model_dim, self.inner_dim = vocab_size, model_dim, inner_dim
        self.blocks, self.query_heads, self.shared_heads = blocks, query_heads, shared_heads
        self.window, self.wavelength = window, wavelength
        self.norm_floor, self.depth_gain, self.ceiling = norm_floor, depth_gain, ceiling
        # picture side
        self.tiling, self.tile_limit, self.tile_side = tiling, tile_limit, tile_side
        self.summary_len = summary_len
        # training
        self.partition_penalty = partition_penalty

    @staticmethod
    def _sight_settings(given):
        if given is not None:
            return SightSettings(**given) if isinstance(given, dict) else given
        LOG.info("building the sight network with stock settings")
        return SightSettings(width=864, layers=18, heads=12, patch=14)

    @property
    def patch(self):
        return getattr(self.sight, "patch")

    def _most_tiles(self):
        if not self.tiling:
            return 1
        return self.tile_limit + 1

    def visual_positions(self):
        markers = 2
        per_tile = markers + self.summary_len
        total = self.tile_limit
        total += per_tile * self._most_tiles()
        return total


class SightSettings(PretrainedConfig):
    model_type = "nova_sight_vision"

    def __init__(self, width=864, layers=18, heads=12, expansion=3.5, patch=14, input_side=448,
                 planes=3, norm_floor=1e-6, first_scale=0.07, trim=True, **others):
        remainder = width % heads
        if remainder:
            raise ValueError("%d heads do not divide a width of %d" % (heads, width))
        super().__init__(**others)
        values = dict(width=width, layers=layers, heads=heads, expansion=expansion, patch=patch,
                      input_side=input_side, planes=planes, norm_floor=norm_floor,
                      first_scale=first_scale, trim=trim)
        for name, value in values.items():
            setattr(self, name, value)

    @property
    def side_in_patches(self):
        whole, _ = divmod(self.input_side, self.patch)
        return whole
