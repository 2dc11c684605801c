"""Named shapes, and only shapes: how to train one is ``TrainConfig``'s business.

The last four are the architectures of four earlier mini-GPT projects, whose parameter
counts are known exactly; the first ones are this book's own.
"""

from __future__ import annotations

from .config import GPTConfig

__all__ = ["PRESETS"]

PRESETS: dict[str, GPTConfig] = {
    # the book's: Llama's architecture, small enough for a laptop's processor
    "tiny": GPTConfig.modern(
        vocab_size=1024, block_size=64, n_layer=2, n_head=2, n_kv_head=1, n_embd=32
    ),
    "small": GPTConfig.modern(
        vocab_size=1024, block_size=128, n_layer=3, n_head=4, n_kv_head=2, n_embd=64
    ),
    "reader": GPTConfig.modern(
        vocab_size=1024,
        block_size=256,
        n_layer=5,
        n_head=4,
        n_kv_head=2,
        n_embd=128,
        n_hidden=336,
    ),
    "classic": GPTConfig.gpt2(
        vocab_size=1024, block_size=256, n_layer=4, n_head=4, n_embd=128
    ),
    "gpt2": GPTConfig.gpt2(),
    # mini-gpt-rust: GPT-2's blocks, an output matrix of its own, with a bias
    "mini_gpt_rust": GPTConfig.gpt2(
        vocab_size=1000,
        block_size=64,
        n_layer=4,
        n_head=4,
        n_embd=128,
        tie_weights=False,
        head_bias=True,
        dropout=0.1,
    ),
    # randyGPT v0.3: squared ReLU, norms with nothing to learn, none at the end
    "randygpt_v03": GPTConfig(
        vocab_size=67,
        block_size=64,
        n_layer=4,
        n_head=8,
        n_embd=128,
        norm="rms",
        norm_gain=False,
        final_norm=False,
        mlp="relu2",
        bias=False,
        tie_weights=False,
    ),
    # RustGPT: one head without output projection, norms after the addition
    "rustgpt": GPTConfig(
        vocab_size=533,
        block_size=80,
        n_layer=3,
        n_head=1,
        n_embd=128,
        n_hidden=256,
        norm_position="post",
        final_norm=False,
        mlp="relu",
        attn_bias=False,
        attn_output=False,
        head_bias=True,
        tie_weights=False,
    ),
    # nanoGPT-moderno, its tiny configuration: a parallel block and capped logits
    "nanogpt_moderno_tiny": GPTConfig.modern(
        vocab_size=50_257,
        block_size=256,
        n_layer=6,
        n_head=6,
        n_kv_head=3,
        n_embd=384,
        parallel_block=True,
        logit_softcap=50.0,
    ),
}
