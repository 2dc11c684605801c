"""Our page of model code against an implementation written by others."""

import pytest
import torch

from minigpt_edu.model import GPT, GPTConfig, KVCache

transformers = pytest.importorskip("transformers")

GPT2 = [
    {"vocab_size": 97, "block_size": 48, "n_layer": 2, "n_head": 4, "n_embd": 32},
    {"vocab_size": 130, "block_size": 20, "n_layer": 3, "n_head": 2, "n_embd": 24},
]
LLAMA = [
    {**GPT2[0], "n_kv_head": 2, "n_hidden": 88},
    {**GPT2[0], "n_kv_head": 1, "n_hidden": 64, "tie_weights": False},
    {**GPT2[1], "n_hidden": 40, "rope_base": 500_000.0, "head_dim": 16},
]


def gpt2(shape):
    config = GPTConfig.gpt2(**shape)
    theirs = transformers.GPT2Config(
        vocab_size=config.vocab_size,
        n_positions=config.block_size,
        n_embd=config.n_embd,
        n_layer=config.n_layer,
        n_head=config.n_head,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    return config, transformers.GPT2LMHeadModel(theirs)


def llama(shape):
    config = GPTConfig.modern(**shape)
    theirs = transformers.LlamaConfig(
        vocab_size=config.vocab_size,
        max_position_embeddings=config.block_size,
        hidden_size=config.n_embd,
        intermediate_size=config.hidden,
        num_hidden_layers=config.n_layer,
        num_attention_heads=config.n_head,
        num_key_value_heads=config.kv_heads,
        head_dim=config.head_size,
        rms_norm_eps=config.norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_base},
        tie_word_embeddings=config.tie_weights,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    return config, transformers.LlamaForCausalLM(theirs)


NAMES = {  # theirs to ours, GPT-2 first, then Llama
    "transformer.": "",
    "wte": "token_embedding",
    "wpe": "position_embedding",
    "h.": "blocks.",
    "ln_1": "norm1",
    "ln_2": "norm2",
    "ln_f": "norm_final",
    "mlp.c_fc": "mlp.up",
    "mlp.c_proj": "mlp.down",
    "attn.c_proj": "attn.out",
    "model.embed_tokens": "token_embedding",
    "model.layers": "blocks",
    "input_layernorm": "norm1",
    "post_attention_layernorm": "norm2",
    "model.norm": "norm_final",
    "self_attn.q_proj": "attn.query",
    "self_attn.k_proj": "attn.key",
    "self_attn.v_proj": "attn.value",
    "self_attn.o_proj": "attn.out",
    "gate_proj": "gate",
    "up_proj": "up",
    "down_proj": "down",
    "lm_head": "head",
}


def our_weights(theirs, tied):
    weights = {}
    transposed = isinstance(theirs, transformers.GPT2LMHeadModel)  # stored (in, out)
    for their_name, value in theirs.state_dict().items():
        name = their_name
        for old, new in NAMES.items():
            at_start = old in ("h.", "transformer.")
            if at_start and not name.startswith(old):
                continue
            name = name.replace(old, new, 1)
        if transposed and value.dim() == 2 and "embedding" not in name:
            value = value.T
        if "c_attn" in name:
            for part, piece in zip(
                ("query", "key", "value"), value.chunk(3), strict=True
            ):
                weights[name.replace("c_attn", part)] = piece
        elif not (tied and name == "head.weight"):
            weights[name] = value
    return weights


CASES = [(gpt2, shape) for shape in GPT2] + [(llama, shape) for shape in LLAMA]


@pytest.fixture(params=CASES, ids=lambda case: case[0].__name__)
def pair(request):
    make, shape = request.param
    torch.manual_seed(0)
    config, theirs = make(shape)
    with torch.no_grad():  # fresh weights hardly tell tokens apart: make them matter
        for parameter in theirs.parameters():
            if parameter.dim() > 1:
                parameter.mul_(6)
            else:
                parameter.add_(0.2 * torch.randn_like(parameter))
    ours = GPT(config).eval()
    ours.load_state_dict(our_weights(theirs, config.tie_weights))
    return ours, theirs.eval()


def test_logits_equal(pair, make_ids):
    ours, theirs = pair
    ids = make_ids(2, ours.config.block_size)
    with torch.no_grad():
        want = theirs(ids).logits
        assert want.std() > 0.5  # there is something to get wrong
        torch.testing.assert_close(ours(ids), want, atol=1e-4, rtol=1e-4)


def test_explicit_path_equals_too(pair, make_ids):
    ours, theirs = pair
    ids = make_ids(2, 20)
    logits, cache = ours.run_with_cache(ids)
    theirs.set_attn_implementation("eager")
    with torch.no_grad():
        out = theirs(ids, output_attentions=True, output_hidden_states=True)
    torch.testing.assert_close(logits, out.logits, atol=1e-4, rtol=1e-4)
    for layer, pattern in enumerate(out.attentions):
        torch.testing.assert_close(
            cache["pattern", layer], pattern, atol=1e-4, rtol=1e-4
        )
    for layer, stream in enumerate(out.hidden_states[:-1]):
        torch.testing.assert_close(
            cache["resid_pre", layer], stream, atol=1e-4, rtol=1e-4
        )


def test_greedy_continuations_are_identical(pair, make_ids):
    ours, theirs = pair
    ids = make_ids(1, 4)
    new = ours.config.block_size - 4
    want = theirs.generate(
        ids, max_new_tokens=new, do_sample=False, attention_mask=torch.ones_like(ids)
    )[0, 4:]
    cache, token, got = KVCache(ours.config), ids, []
    with torch.no_grad():
        for _ in range(new):
            token = ours(token, cache)[:, -1:].argmax(-1)
            got.append(token.item())
    assert got == want.tolist()


def test_gradients_equal(pair, make_ids):
    ours, theirs = pair
    ids = make_ids(2, 12)
    ours.loss(ids[:, :-1], ids[:, 1:]).backward()
    theirs(ids, labels=ids).loss.backward()
    grads = {n: p.grad for n, p in theirs.named_parameters()}
    mine = ours.token_embedding.weight.grad
    name = next(n for n in grads if "wte" in n or "embed_tokens" in n)
    torch.testing.assert_close(mine, grads[name], atol=1e-4, rtol=1e-3)
