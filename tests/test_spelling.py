import pytest

from minigpt_edu.spelling import did_you_mean, refuse_unknown


def test_the_nearest_name_or_all_of_them():
    known = ["n_layer", "n_head", "dropout"]
    assert did_you_mean("n_layers", known) == "did you mean 'n_layer'?"
    assert did_you_mean("zzz", known) == "known: n_layer, n_head, dropout"


def test_unknown_names_are_refused_and_known_ones_are_not():
    refuse_unknown("Config", ["dropout"], ["dropout", "bias"])
    with pytest.raises(ValueError, match="no field 'bais': did you mean 'bias'"):
        refuse_unknown("Config", ["dropout", "bais"], iter(["dropout", "bias"]))
