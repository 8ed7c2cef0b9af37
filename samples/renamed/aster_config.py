from transformers import PretrainedConfig
from transformers.utils import logging as hf_logging

log = hf_logging.get_logger(__name__)

_EYE_DEFAULTS = {'dim': 864, 'n_blocks': 18, 'n_heads': 12, 'patch': 14}


class AsterEyeConfig(PretrainedConfig):
    """Hyper-parameters of the Aster image encoder."""

    model_type = 'aster_eye'

    def __init__(self, dim=864, n_blocks=18, n_heads=12, ff_ratio=3.5,
                 patch=14, resolution=448, channels=3, ln_eps=1e-6,
                 scale_init=0.07, skip_final=True, **rest):
        super().__init__(**rest)
        if dim % n_heads != 0:
            raise ValueError(f'dim {dim} cannot be divided into {n_heads} heads')
        self.dim = dim
        self.n_blocks = n_blocks
        self.n_heads = n_heads
        self.ff_ratio = ff_ratio
        self.patch = patch
        self.resolution = resolution
        self.channels = channels
        self.ln_eps = ln_eps
        self.scale_init = scale_init
        self.skip_final = skip_final

    @property
    def cells_per_side(self):
        return self.resolution // self.patch


class AsterChatConfig(PretrainedConfig):
    """Hyper-parameters of the whole assistant (image encoder + language model)."""

    model_type = 'aster_chat'
    keys_to_ignore_at_inference = ['past_key_values']

    def __init__(self, vocab_size=32012, dim=1792, ff_dim=4864, n_layers=26,
                 n_heads=14, n_kv_heads=2, context_len=6144,
                 rotary_base=40000.0, eps=1e-5, branch_gain=1.3,
                 cap_value=22.0, n_latents=72, use_crops=True, crop_limit=9,
                 crop_side=448, zeta=3e-5, eye=None, pad_token_id=0,
                 tie_word_embeddings=True, **rest):
        self.vocab_size = vocab_size
        self.dim = dim
        self.ff_dim = ff_dim
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.n_kv_heads = n_kv_heads
        self.context_len = context_len
        self.rotary_base = rotary_base
        self.eps = eps
        self.branch_gain = branch_gain
        self.cap_value = cap_value
        self.n_latents = n_latents
        self.use_crops = use_crops
        self.crop_limit = crop_limit
        self.crop_side = crop_side
        self.zeta = zeta

        if eye is None:
            log.info('no image encoder settings given; using defaults')
            self.eye = AsterEyeConfig(**_EYE_DEFAULTS)
        elif isinstance(eye, dict):
            self.eye = AsterEyeConfig(**eye)
        else:
            self.eye = eye

        super().__init__(pad_token_id=pad_token_id,
                         tie_word_embeddings=tie_word_embeddings, **rest)

    @property
    def patch(self):
        return self.eye.patch

    def visual_budget(self):
        n = 1 + (self.crop_limit if self.use_crops else 0)
        return n * (self.n_latents + 2) + self.crop_limit
