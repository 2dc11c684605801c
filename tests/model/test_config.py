import pytest

from minigpt_edu.model import PRESETS, GPTConfig


def test_derived_numbers():
    config = GPTConfig(vocab_size=10, n_head=4, n_embd=48, n_kv_head=2)
    assert (config.head_size, config.kv_heads, config.hidden) == (12, 2, 192)
    assert GPTConfig(vocab_size=10, n_embd=384, n_head=6, mlp="swiglu").hidden == 1024
    assert GPTConfig(vocab_size=10, n_embd=32, mlp="swiglu").hidden == 88  # 85.3 -> 88
    assert GPTConfig(vocab_size=10, head_dim=7).head_size == 7


def test_bias_sets_every_bias_but_the_heads():
    off = GPTConfig(vocab_size=10, bias=False)
    assert not off.has_attn_bias and not off.has_mlp_bias and not off.head_bias
    mixed = GPTConfig(vocab_size=10, bias=False, attn_bias=True)
    assert mixed.has_attn_bias and not mixed.has_mlp_bias


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_a_round_trip(name):
    config = GPTConfig.preset(name)
    assert GPTConfig.from_dict(config.to_dict()) == config == PRESETS[name]
    assert GPTConfig.preset(name, dropout=0.25).dropout == 0.25


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_embd": 30}, ("30", "4")),
        ({"n_kv_head": 3}, ("4", "3")),
        ({"position": "rope", "n_embd": 36}, ("9", "even")),
        ({"position": "alibi"}, ("alibi", "rope")),
        ({"norm": "batch"}, ("batch", "rms")),
        ({"mlp": "tanh"}, ("tanh", "swiglu")),
        ({"norm_position": "middle"}, ("middle", "pre")),
        ({"n_layer": 0}, ("n_layer", "0")),
        ({"n_layer": 2.5}, ("n_layer", "2.5")),
        ({"n_layer": True}, ("n_layer", "True")),
        ({"dropout": 1.0}, ("dropout", "1.0")),
        ({"attn_softcap": 0.0}, ("attn_softcap", "0.0")),
        ({"norm_eps": 0.0}, ("norm_eps", "0.0")),
        ({"rope_base": float("inf")}, ("rope_base", "inf")),
        ({"dropout": "x"}, ("dropout", "'x'")),
        ({"bias": "no"}, ("bias", "'no'", "True or False")),
        ({"logit_softcap": "x"}, ("logit_softcap", "x")),
        ({"block_size": 2.5}, ("block_size", "2.5")),
        ({"attn_output": False, "head_dim": 16}, ("16", "128")),
        ({"parallel_block": True, "norm_position": "post"}, ("parallel_block", "pre")),
    ],
)
def test_contradictions_are_refused_with_the_numbers(changes, words):
    with pytest.raises(ValueError) as error:
        GPTConfig(**{"vocab_size": 10, **changes})
    assert all(word in str(error.value) for word in words)


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'n_layer'"):
        GPTConfig.from_dict({"vocab_size": 10, "n_layers": 3})
    with pytest.raises(ValueError, match="did you mean 'dropout'"):
        GPTConfig(vocab_size=10).replace(drop_out=0.1)
    with pytest.raises(ValueError, match="did you mean 'n_head'"):
        GPTConfig.gpt2(n_heads=3)
    with pytest.raises(ValueError, match="did you mean 'reader'"):
        GPTConfig.preset("raeder")
    with pytest.raises(ValueError, match="vocab_size is missing"):
        GPTConfig.from_dict({})
