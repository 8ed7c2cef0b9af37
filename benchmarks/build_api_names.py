"""Rebuilds codeclone/data/{api,property,self}_names.txt: the public names of the libraries that model code is written
against.

    pip install torch==2.13.0 numpy pillow einops jax
    python benchmarks/build_api_names.py

api_names: kept in code facts when it is called as a function or method, whatever object it stands on. property_names: kept
when it is read as an attribute without a call; far fewer, since `dim`, `size` or `scale` are what anybody calls an
attribute of their own. self_names: kept when it is called on `self`: what a class has from its base class. Every other
attribute name is the programmer's own and is stripped. The lists are one for all repositories, so that the same line of
code gives the same fact whether or not its repository happens to define the name.
"""

from __future__ import annotations

import builtins
import importlib
from pathlib import Path

MODULES = """
torch torch.nn torch.nn.functional torch.nn.init torch.linalg torch.fft torch.optim torch.optim.lr_scheduler
torch.utils.data torch.utils.checkpoint torch.distributed torch.cuda torch.amp torch.autograd torch.special
torch.distributions torch.nn.utils.rnn torch.nn.utils numpy numpy.linalg numpy.random numpy.fft jax jax.numpy
jax.lax jax.nn jax.random jax.tree_util einops PIL.Image math cmath os os.path re json itertools functools
collections random time copy string operator statistics struct heapq bisect shutil glob tempfile subprocess
threading contextlib dataclasses enum typing pickle hashlib base64 csv io sys
""".split()

CLASSES = """
torch.Tensor torch.nn.Module torch.optim.Optimizer torch.utils.data.DataLoader torch.nn.ModuleList torch.Generator
numpy.ndarray numpy.random.Generator PIL.Image.Image pathlib.Path collections.OrderedDict collections.Counter
collections.deque io.StringIO io.BytesIO
""".split()

BUILTIN_TYPES = (str, bytes, bytearray, list, tuple, dict, set, frozenset, int, float, complex, slice, range)

# Libraries that are too large to install for their names alone: what model code uses of them, from their public
# documentation.
WRITTEN_DOWN = """
rearrange reduce_mean reduce_sum reduce_max reduce_min reduce_prod reduce_logsumexp expand_dims gather_nd scatter_nd
tensor_scatter_nd_update boolean_mask cast concat constant convert_to_tensor fill ones_like zeros_like one_hot pad
strided_slice tile top_k unstack while_loop TensorShape TensorArray Variable add_weight build Dense Conv1D Conv2D
Conv2DTranspose MaxPool2D MaxPooling2D AveragePooling2D GlobalAveragePooling2D GlobalMaxPooling2D BatchNormalization
LayerNormalization GroupNormalization Activation Concatenate Flatten InputLayer Lambda LSTMCell TimeDistributed
EinsumDense MultiHeadAttention get_initializer TruncatedNormal GlorotUniform HeNormal RandomNormal shape_list setup
param lecun_normal xavier_uniform he_normal truncated_normal make_causal_mask make_attention_mask combine_masks
dot_product_attention DenseGeneral variance_scaling stop_gradient dynamic_slice dynamic_update_slice
create_parameter LayerList Embedding matmul Uniform XavierUniform KaimingNormal ParamAttr Parameter ParameterTuple
CellList SequentialCell construct insert_child_to_cell masked_fill broadcast_to ExpandDims ReduceMean BatchMatMul
from_pretrained save_pretrained push_to_hub post_init init_weights get_input_embeddings set_input_embeddings
get_output_embeddings set_output_embeddings resize_token_embeddings tie_weights prepare_inputs_for_generation
gradient_checkpointing_enable register_for_auto_class generate batch_decode convert_tokens_to_ids
convert_ids_to_tokens add_special_tokens add_tokens apply_chat_template to_dict from_dict to_json_string
last_hidden_state hidden_states attentions logits loss past_key_values pooler_output encoder_last_hidden_state
cross_attentions input_ids attention_mask token_type_ids position_ids pixel_values inputs_embeds labels read_csv
read_json to_csv groupby iterrows itertuples reset_index set_index drop_duplicates fillna dropna merge imread
imwrite cvtColor add_argument parse_args parse_known_args ArgumentParser
""".split()

PROPERTIES = """
shape dtype device T H mT mH ndim data grad real imag flat nbytes itemsize strides is_leaf is_cuda requires_grad
weight bias in_features out_features in_channels out_channels num_features embedding_dim num_embeddings padding_idx
training last_hidden_state hidden_states attentions logits loss past_key_values pooler_output
encoder_last_hidden_state cross_attentions decoder_hidden_states prediction_scores sequences input_ids
attention_mask token_type_ids position_ids pixel_values inputs_embeds labels pad_token_id eos_token_id bos_token_id
unk_token_id sep_token_id cls_token_id mask_token_id pad_token eos_token bos_token unk_token sep_token cls_token
mask_token model_max_length is_encoder_decoder use_return_dict output_attentions output_hidden_states param_groups
state_dict stem suffix parent parts __class__ __name__ __dict__ __doc__ __module__ args kwargs
""".split()

METHODS_OF_BASES = """
from_pretrained save_pretrained push_to_hub post_init init_weights get_input_embeddings set_input_embeddings
get_output_embeddings set_output_embeddings resize_token_embeddings tie_weights prepare_inputs_for_generation
gradient_checkpointing_enable register_for_auto_class generate batch_decode decode encode tokenize
convert_tokens_to_ids convert_ids_to_tokens add_special_tokens add_tokens apply_chat_template to_dict from_dict
add_weight build setup param variable sow has_variable make_rng log log_dict create_parameter add_parameter
add_sublayer insert_child_to_cell get_extended_attention_mask invert_attention_mask get_head_mask
""".split()


def public_names(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_") and not name.endswith("_test")}


def build() -> list[str]:
    names = public_names(builtins) | set(WRITTEN_DOWN)
    for module in MODULES:
        names |= public_names(importlib.import_module(module))
    for dotted in CLASSES:
        module, _, name = dotted.rpartition(".")
        names |= public_names(getattr(importlib.import_module(module), name))
    for kind in BUILTIN_TYPES:
        names |= public_names(kind)
    return sorted(name for name in names if len(name) > 1 or name == "T")


def write(name: str, names: list[str]) -> None:
    target = Path(__file__).parent.parent / "codeclone" / "data" / name
    target.write_text("\n".join(names) + "\n", encoding="utf-8")
    print(f"{name}: {len(names)} names")


if __name__ == "__main__":
    module = importlib.import_module("torch.nn").Module
    write("api_names.txt", build())
    write("property_names.txt", sorted(set(PROPERTIES)))
    write("self_names.txt", sorted(public_names(module) - {"forward", "T_destination"} | set(METHODS_OF_BASES)))
