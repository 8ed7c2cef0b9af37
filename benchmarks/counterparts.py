"""Which parts of different packages are the same architecture, by name: data of populations.py."""

from __future__ import annotations

MODELS = "transformers/models/"
TRANSFORMERS, KERAS, TIMM, VISION = "transformers==5.23.0", "keras-hub==0.32.0", "timm==1.0.20", "torchvision==0.20.1"
TUNE, AUDIO, DIFFUSERS = "torchtune==0.6.1", "torchaudio==2.11.0", "diffusers==0.35.1"
PLACES = {
    TRANSFORMERS: MODELS,
    KERAS: "keras_hub/src/models/",
    TIMM: "timm/models/",
    VISION: "torchvision/models/",
    TUNE: "torchtune/models/",
    AUDIO: "torchaudio/models/",
    DIFFUSERS: "diffusers/",
    "litgpt==0.5.13": "litgpt/",
    "open_clip_torch==3.3.0": "open_clip/",
    "segmentation-models-pytorch==0.6.0": "segmentation_models_pytorch/",
    "speechbrain==1.1.2": "speechbrain/",
}

KERAS_NAMES = (
    "albert bart bert bloom clip d_fine deberta_v3=deberta_v2 deit depth_anything dinov2 dinov3=dinov3_vit "
    "distil_bert=distilbert efficientnet electra esm f_net=fnet falcon gemma gemma3 gemma3n gemma4 gpt2 "
    "gpt_neo_x=gpt_neox gpt_oss hgnetv2=hgnet_v2 llama metaclip_2 mistral mit=segformer mixtral "
    "mobilenet=mobilenet_v1 moonshine opt pali_gemma=paligemma phi3 qwen=qwen2 qwen3 qwen3_5 qwen3_5_moe qwen3_moe "
    "qwen_moe=qwen2_moe resnet roberta roformer_v2=roformer sam sam3 segformer siglip smollm3 swin_transformer=swin t5 "
    "t5gemma t5gemma2 video_prism=videoprism vit vit_det=vitdet whisper xlm_roberta xlnet"
)
"""Model folders of keras-hub, with the name that transformers has for the architecture where it is another."""

ARCHITECTURES: dict[tuple[str, str], str] = {
    (KERAS, TRANSFORMERS): KERAS_NAMES,
    (TIMM, TRANSFORMERS): (
        "beit.py=beit convnext.py=convnext convnext.py=convnextv2 deit.py=deit efficientnet.py=efficientnet "
        "focalnet.py=focalnet hgnet.py=hgnet_v2 hiera.py=hiera levit.py=levit mobilevit.py=mobilevit "
        "mobilevit.py=mobilevitv2 metaformer.py=poolformer pvt_v2.py=pvt_v2 regnet.py=regnet resnet.py=resnet "
        "resnetv2.py=bit swiftformer.py=swiftformer swin_transformer.py=swin swin_transformer_v2.py=swinv2 "
        "vision_transformer.py=vit vision_transformer.py=dinov2 vision_transformer_sam.py=sam eva.py=dinov3_vit "
        "hieradet_sam2.py=sam2"
    ),
    (VISION, TRANSFORMERS): (
        "convnext.py=convnext efficientnet.py=efficientnet mobilenetv2.py=mobilenet_v2 regnet.py=regnet resnet.py=resnet "
        "swin_transformer.py=swin swin_transformer.py=swinv2 vision_transformer.py=vit"
    ),
    (VISION, TIMM): (
        "convnext.py efficientnet.py regnet.py resnet.py swin_transformer.py vision_transformer.py densenet.py vgg.py "
        "inception.py=inception_v3.py maxvit.py=maxxvit.py mobilenetv3.py mobilenetv2.py=efficientnet.py "
        "mnasnet.py=efficientnet.py"
    ),
    (KERAS, TIMM): (
        "cspnet=cspnet.py densenet=densenet.py deit=deit.py dinov2=vision_transformer.py efficientnet=efficientnet.py "
        "hgnetv2=hgnet.py mobilenet=mobilenetv3.py mobilenetv5=mobilenetv5.py resnet=resnet.py "
        "swin_transformer=swin_transformer.py vgg=vgg.py vit=vision_transformer.py xception=xception.py sam="
        "vision_transformer_sam.py"
    ),
    (KERAS, VISION): (
        "densenet=densenet.py efficientnet=efficientnet.py mobilenet=mobilenetv3.py resnet=resnet.py retinanet="
        "detection/retinanet.py deeplab_v3=segmentation/deeplabv3.py swin_transformer=swin_transformer.py vgg=vgg.py "
        "vit=vision_transformer.py"
    ),
    (TUNE, TRANSFORMERS): "clip gemma gemma2 llama2=llama llama3=llama llama3_2_vision=mllama mistral phi3 qwen2 t5",
    (TUNE, KERAS): "clip gemma llama3 mistral phi3 t5 flux",
    (TUNE, DIFFUSERS): "flux=models/transformers/transformer_flux.py",
    (KERAS, DIFFUSERS): (
        "flux=models/transformers/transformer_flux.py stable_diffusion_3=models/transformers/transformer_sd3.py "
        "vae=models/autoencoders/vae.py"
    ),
    (AUDIO, TRANSFORMERS): "wav2vec2 wav2vec2=hubert wav2vec2=wavlm conformer.py=wav2vec2_conformer",
    ("litgpt==0.5.13", TRANSFORMERS): "model.py=llama model.py=gpt_neox model.py=gemma2 model.py=mixtral model.py=qwen3",
    ("open_clip_torch==3.3.0", TRANSFORMERS): "transformer.py=clip model.py=clip transformer.py=siglip",
    ("open_clip_torch==3.3.0", KERAS): "transformer.py=clip",
    ("segmentation-models-pytorch==0.6.0", TRANSFORMERS): "decoders/segformer=segformer decoders/dpt=dpt decoders/upernet=upernet",
    ("segmentation-models-pytorch==0.6.0", VISION): "decoders/deeplabv3=segmentation/deeplabv3.py",
    ("speechbrain==1.1.2", AUDIO): "lobes/models/Tacotron2.py=tacotron2.py lobes/models/transformer/Conformer.py=conformer.py",
    ("speechbrain==1.1.2", TRANSFORMERS): (
        "lobes/models/transformer/Conformer.py=wav2vec2_conformer lobes/models/wav2vec.py=wav2vec2 "
        "lobes/models/HifiGAN.py=speecht5 lobes/models/FastSpeech2.py=fastspeech2_conformer"
    ),
}  # fmt: skip
"""(one package, another) -> what in the first is the same architecture as what in the second."""

CALLED = {
    "transformers": r"hugging ?face|\btransformers\b",
    "keras-hub": r"keras.?(?:hub|nlp|cv)",
    "timm": r"\btimm\b|pytorch-image-models",
    "torchvision": r"torchvision|pytorch/vision",
    "torchtune": r"torchtune",
    "torchaudio": r"torchaudio|pytorch/audio",
    "diffusers": r"\bdiffusers\b",
    "litgpt": r"lit-?gpt|lit-llama",
    "open_clip_torch": r"open_?clip",
    "segmentation-models-pytorch": r"segmentation_models",
    "speechbrain": r"speechbrain",
}
"""How others call a package."""
