import itertools
import math

import pytest
import torch
from torch.nn import functional as F

from minigpt_edu.model import GPT, GPTConfig

OPTIONS = {
    "position": ["learned", "rope", "sinusoidal", "none"],
    "norm": ["layer", "rms"],
    "block": ["pre", "post", "parallel"],
    "mlp": ["gelu", "relu", "relu2", "swiglu"],
    "bias": [True, False],
    "tie_weights": [True, False],
    "qk_norm": [True, False],
    "n_kv_head": [None, 1],
    "attn_softcap": [None, 5.0],
    "logit_softcap": [None, 5.0],
}


def config_of(options):
    options = dict(zip(OPTIONS, options, strict=True))
    block = options.pop("block")
    options["norm_position"] = "post" if block == "post" else "pre"
    options["parallel_block"] = block == "parallel"
    size = {"vocab_size": 23, "block_size": 8, "n_layer": 1, "n_head": 2, "n_embd": 8}
    return GPTConfig(**size, **options)


def test_all_combinations_of_options_run_forward_and_backward(some_of, make_ids):
    ids, targets = make_ids(2, 8, vocab=23), make_ids(2, 8, vocab=23, seed=2)
    for options in some_of(itertools.product(*OPTIONS.values())):
        torch.manual_seed(0)
        model = GPT(config_of(options))
        loss = model.loss(ids, targets)
        loss.backward()
        assert abs(loss.item() - math.log(23)) < 0.7, options
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name


def test_the_future_changes_nothing(model, make_ids):
    """Exactly nothing: the same bits."""
    ids = make_ids(2, 20)
    with torch.no_grad():
        before = model(ids)
        for cut in (1, 7, 19):
            changed = ids.clone()
            changed[:, cut:] = (changed[:, cut:] + 1) % 97
            after = model(changed)
            assert torch.equal(after[:, :cut], before[:, :cut])
            assert not torch.equal(after[:, cut:], before[:, cut:])


def test_order_matters_only_through_positions(make_ids):
    """One block without positions: what the last token reads is a set."""
    ids = make_ids(1, 9)
    shuffled = torch.cat((ids[:, :8].flip(1), ids[:, 8:]), dim=1)
    for position in ("none", "learned", "rope", "sinusoidal"):
        torch.manual_seed(0)
        size = {"vocab_size": 97, "block_size": 16, "n_layer": 1, "n_embd": 32}
        model = GPT(GPTConfig(**size, position=position)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(5)
            same = torch.allclose(model(ids)[0, -1], model(shuffled)[0, -1], atol=1e-4)
        assert same == (position == "none"), position


def test_weights_that_write_to_the_stream_start_smaller():
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=512, n_layer=8, n_embd=128))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif parameter.dim() == 1:
            assert torch.equal(parameter, torch.ones_like(parameter)), name
        else:
            writes = name.endswith(("attn.out.weight", "mlp.down.weight"))
            want = 0.02 / math.sqrt(16) if writes else 0.02
            assert parameter.std().item() == pytest.approx(want, rel=0.05), name


def test_an_untrained_model_is_as_unsure_as_the_vocabulary_is_large(make_ids):
    torch.manual_seed(0)
    model = GPT(GPTConfig.modern(vocab_size=300, n_layer=2, n_head=4, n_embd=64))
    loss = model.loss(make_ids(8, 32, vocab=300), make_ids(8, 32, vocab=300, seed=5))
    assert loss.item() == pytest.approx(math.log(300), abs=0.1)


def test_loss_is_cross_entropy_of_the_logits(model, make_ids):
    """Training and generation see the same logits: caps included."""
    ids, targets = make_ids(2, 12), make_ids(2, 12, seed=4)
    targets[0, :5] = -1
    with torch.no_grad():
        counted = targets != -1
        want = F.cross_entropy(model(ids)[counted], targets[counted])
        torch.testing.assert_close(model.loss(ids, targets), want)
        with model.listening(keep="loss") as cache:
            torch.testing.assert_close(model.loss(ids, targets), want)
    assert cache["loss"].shape == (2, 12) and not cache["loss"][0, :5].any()


def test_soft_caps_bound(make_ids):
    torch.manual_seed(0)
    size = {"vocab_size": 97, "n_layer": 1, "n_embd": 32}
    model = GPT(GPTConfig(**size, attn_softcap=0.5, logit_softcap=0.01)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(20)
    logits, cache = model.run_with_cache(make_ids(1, 9))
    assert cache["scores_raw", 0].abs().max() > 0.5 >= cache["scores", 0].abs().max()
    assert cache["logits_raw"].abs().max() > 0.01 >= logits.abs().max()


def test_tied_weights_save_a_matrix(make_ids):
    size = {"vocab_size": 97, "n_layer": 1, "n_embd": 32}
    tied, own = GPT(GPTConfig(**size)), GPT(GPTConfig(**size, tie_weights=False))
    assert own.num_params() - tied.num_params() == 97 * 32
    assert "head.weight" not in tied.state_dict()


@pytest.mark.parametrize(
    ("preset", "count"),
    [
        ("mini_gpt_rust", 1_058_536),
        ("randygpt_v03", 811_776),
        ("rustgpt", 493_973),
        ("nanogpt_moderno_tiny", 29_035_776),
    ],
)
def test_parameter_counts_of_the_seeds(preset, count):
    with torch.device("meta"):
        assert GPT(GPTConfig.preset(preset)).num_params() == count


def test_gradient_checkpointing_gives_the_same_gradients(model, make_ids):
    ids, targets = make_ids(2, 12), make_ids(2, 12, seed=4)
    gradients = []
    model.train()
    for model.recompute in (False, True):
        model.zero_grad()
        model.loss(ids, targets).backward()
        gradients.append([p.grad.clone() for p in model.parameters()])
    for plain, recomputed in zip(*gradients, strict=True):
        assert torch.equal(plain, recomputed)


def test_dropout_acts_in_training_only(make_ids):
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=97, n_layer=1, n_embd=32, dropout=0.5))
    ids = make_ids(1, 9)
    assert not torch.equal(model(ids), model(ids))
    model.eval()
    assert torch.equal(model(ids), model(ids))


def test_too_long_a_sequence_names_both_numbers(model, make_ids):
    with pytest.raises(ValueError, match="49 tokens do not fit in block_size=48"):
        model(make_ids(1, 49))


@pytest.mark.parametrize(
    "ids",
    [
        torch.zeros(5, dtype=torch.long),
        torch.zeros(1, 2, 3, dtype=torch.long),
        torch.zeros(1, 5),
        torch.zeros(1, 0, dtype=torch.long),
        torch.zeros(0, 5, dtype=torch.long),
    ],
    ids=lambda ids: f"{tuple(ids.shape)} {ids.dtype}",
)
def test_what_is_no_batch_of_ids_is_refused(ids):
    model = GPT(GPTConfig(vocab_size=97, n_layer=1, n_embd=32))
    with pytest.raises(ValueError, match=r"ids must be whole numbers of shape"):
        model(ids)


def test_compiles_into_one_graph(model, make_ids):
    ids = make_ids(1, 9)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    with torch.no_grad():
        torch.testing.assert_close(compiled(ids), model(ids))
    _, cache = compiled.run_with_cache(ids, "*.attn.z")
    assert len(cache) == model.config.n_layer


def test_every_place_for_dropout_drops(make_ids):
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=97, n_layer=1, n_embd=64, dropout=0.4)).train()
    places = ["blocks.0.resid_pre", "*.attn.out", "*.mlp.out"]
    with model.listening(keep=places) as cache:
        model(make_ids(4, 32))
    for name, value in cache.items():
        assert (value == 0).float().mean() == pytest.approx(0.4, abs=0.05), name
    attn = model.blocks[0].attn
    attn.dropout.p = model.dropout.p = model.blocks[0].mlp.dropout.p = 0.0
    for keep in ("*.z", "*.pattern"):  # inside attention: the fused path, the explicit
        with model.listening(keep=keep):
            assert not torch.equal(model(make_ids(1, 9)), model(make_ids(1, 9)))


def test_a_parallel_block_reads_the_same_stream_twice(make_ids):
    torch.manual_seed(0)
    shape = {"vocab_size": 97, "n_layer": 1, "n_embd": 32}
    for parallel, read in ((True, "resid_pre"), (False, "resid_mid")):
        model = GPT(GPTConfig(**shape, parallel_block=parallel)).eval()
        _, cache = model.run_with_cache(make_ids(1, 9))
        block = model.blocks[0]
        with torch.no_grad():
            want = block.mlp(block.norm2(cache[read, 0]))
        torch.testing.assert_close(cache["mlp.out", 0], want)


def test_gradient_checkpointing_keeps_less(make_ids):
    torch.manual_seed(0)
    model = GPT(GPTConfig.modern(vocab_size=97, n_layer=4, n_head=4, n_embd=32)).train()
    kept = []
    for model.recompute in (False, True):
        saved = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda x, saved=saved: saved.append(x.nbytes) or x, lambda x: x
        ):
            model.loss(make_ids(2, 32), make_ids(2, 32))
        kept.append(sum(saved))
    assert kept[1] < kept[0] / 2
