import torch
from torch.nn import functional as F

from minigpt_edu.model import GPTConfig, KVCache
from minigpt_edu.model.attention import Attention, Context, repeat_heads, softcap

PLAIN = Context(rotary=None, mask=None, causal=True, cache=None, placement=None)


def test_equals_torchs_multi_head_attention():
    config = GPTConfig(vocab_size=10, n_layer=1, n_head=4, n_embd=32)
    torch.manual_seed(0)
    ours = Attention(config, 0)
    torchs = torch.nn.MultiheadAttention(32, 4, batch_first=True)
    projections = (ours.query, ours.key, ours.value)
    with torch.no_grad():
        for projection in projections:
            torch.nn.init.normal_(projection.bias)
        torchs.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
        torchs.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
        torchs.out_proj.load_state_dict(ours.out.state_dict())
    x = torch.randn(2, 9, 32)
    future = torch.ones(9, 9, dtype=torch.bool).triu(1)
    want, _ = torchs(x, x, x, attn_mask=future, need_weights=False)
    torch.testing.assert_close(ours(x, PLAIN), want, atol=1e-5, rtol=1e-5)


def test_grouped_queries_equal_full_heads_with_copied_keys():
    config = GPTConfig(vocab_size=10, n_layer=1, n_head=4, n_kv_head=2, n_embd=32)
    torch.manual_seed(0)
    grouped, full = Attention(config, 0), Attention(config.replace(n_kv_head=None), 0)
    weights = grouped.state_dict()
    for name in ("key.weight", "key.bias", "value.weight", "value.bias"):
        heads = weights[name].unflatten(0, (2, 8))  # two heads of eight numbers
        weights[name] = heads.repeat_interleave(2, dim=0).flatten(0, 1)
    full.load_state_dict(weights)
    x = torch.randn(2, 9, 32)
    torch.testing.assert_close(grouped(x, PLAIN), full(x, PLAIN))
    full_bytes = KVCache(config.replace(n_kv_head=None)).nbytes
    assert KVCache(config).nbytes * 2 == full_bytes


def test_repeat_heads_keeps_neighbours_together():
    x = torch.tensor([[[[1.0]], [[2.0]]]])  # (1, 2, 1, 1)
    assert repeat_heads(x, 3).flatten().tolist() == [1, 1, 1, 2, 2, 2]
    assert repeat_heads(x, 1) is x


def test_softcap_is_gentle_in_the_middle_and_hard_at_the_ends():
    x = torch.tensor([-1000.0, -0.01, 0.0, 0.01, 1000.0])
    torch.testing.assert_close(
        softcap(x, 5.0), torch.tensor([-5.0, -0.01, 0.0, 0.01, 5.0])
    )
    assert softcap(x, None) is x


def test_fused_equals_explicit_with_masks_too():
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 4, 6, 8).unbind()
    mask = torch.rand(2, 1, 6, 6) > 0.4
    mask |= torch.eye(6, dtype=torch.bool)  # nobody may be left with nothing to see
    config = GPTConfig(vocab_size=10, n_layer=1, n_head=4, n_embd=32)
    attention = Attention(config, 0)
    ctx = PLAIN._replace(mask=mask, causal=False)
    want = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    torch.testing.assert_close(attention._attend(q, k, v, ctx), want)
    attention.softcap = 1e6  # so high that it changes nothing, but the path is explicit
    torch.testing.assert_close(attention._attend(q, k, v, ctx), want, atol=1e-5, rtol=0)
    assert attention.path_used == "explicit"
