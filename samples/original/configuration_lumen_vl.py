"""Configuration for Lumen-VL: one object for the vision tower, one for the whole model."""

from transformers import PretrainedConfig
from transformers.utils import logging

logger = logging.get_logger(__name__)

_DEFAULT_VISION = {"hidden_size": 864, "depth": 18, "num_heads": 12, "patch_size": 14}


class LumenVisionConfig(PretrainedConfig):
    model_type = "lumen_vision"

    def __init__(
        self,
        hidden_size=864,
        depth=18,
        num_heads=12,
        mlp_ratio=3.5,
        patch_size=14,
        image_size=448,
        in_channels=3,
        layer_norm_eps=1e-6,
        layer_scale_init=0.07,
        drop_last_block=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if hidden_size % num_heads != 0:
            raise ValueError(f"hidden_size {hidden_size} is not a multiple of num_heads {num_heads}")
        self.hidden_size = hidden_size
        self.depth = depth
        self.num_heads = num_heads
        self.mlp_ratio = mlp_ratio
        self.patch_size = patch_size
        self.image_size = image_size
        self.in_channels = in_channels
        self.layer_norm_eps = layer_norm_eps
        self.layer_scale_init = layer_scale_init
        # the last block is too specialised towards the contrastive loss it was trained with
        self.drop_last_block = drop_last_block

    @property
    def grid_side(self):
        return self.image_size // self.patch_size


class LumenVLConfig(PretrainedConfig):
    model_type = "lumen_vl"
    keys_to_ignore_at_inference = ["past_key_values"]

    def __init__(
        self,
        vocab_size=32012,
        hidden_size=1792,
        intermediate_size=4864,
        num_hidden_layers=26,
        num_attention_heads=14,
        num_key_value_heads=2,
        max_position_embeddings=6144,
        rope_theta=40000.0,
        rms_norm_eps=1e-5,
        residual_depth_scale=1.3,
        logit_softcap=22.0,
        query_num=72,
        slice_mode=True,
        max_slice_nums=9,
        scale_resolution=448,
        z_loss_weight=3e-5,
        vision_config=None,
        pad_token_id=0,
        tie_word_embeddings=True,
        **kwargs,
    ):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.intermediate_size = intermediate_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.num_key_value_heads = num_key_value_heads
        self.max_position_embeddings = max_position_embeddings
        self.rope_theta = rope_theta
        self.rms_norm_eps = rms_norm_eps
        self.residual_depth_scale = residual_depth_scale
        self.logit_softcap = logit_softcap
        self.query_num = query_num
        self.slice_mode = slice_mode
        self.max_slice_nums = max_slice_nums
        self.scale_resolution = scale_resolution
        self.z_loss_weight = z_loss_weight

        if vision_config is None:
            logger.info("vision_config is None, falling back to the 18-block tower")
            self.vision_config = LumenVisionConfig(**_DEFAULT_VISION)
        elif isinstance(vision_config, dict):
            self.vision_config = LumenVisionConfig(**vision_config)
        else:
            self.vision_config = vision_config

        super().__init__(pad_token_id=pad_token_id, tie_word_embeddings=tie_word_embeddings, **kwargs)

    @property
    def patch_size(self):
        return self.vision_config.patch_size

    def max_visual_tokens(self):
        """Upper bound of positions one picture can occupy, counting the overview."""
        tiles = 1 + (self.max_slice_nums if self.slice_mode else 0)
        # +2 for the open/close pair around every tile, and one newline per possible row
        return tiles * (self.query_num + 2) + self.max_slice_nums
