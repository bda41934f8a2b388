import pytest

from raysynth.cascade.bundle import open_bundle
from raysynth.cascade.card import model_card
from raysynth.config.shipped import find_bundle


@pytest.mark.parametrize("name", ["nuclei-2d", "embryo-3d"])
def test_the_shipped_card_is_that_of_the_bundle(name: str) -> None:
    assert (find_bundle(name) / "README.md").read_text() == model_card(open_bundle(name).info)


def test_a_card_says_data_licence_commands_and_figures() -> None:
    info = open_bundle("embryo-3d").info
    card = model_card(info)
    for said in (*info.data.values(), *info.commands.values(), "1.75 x 0.8 x 0.8 um"):
        assert said in card
    assert card.count("| adherence |") == 1


def test_fidelity_stands_in_the_card_where_it_was_measured() -> None:
    info = open_bundle("nuclei-2d").info.model_copy(update={"fidelity": {}, "fidelity_command": "bench"})
    assert "New cells beside real ones" not in model_card(info)
    measured = model_card(info.model_copy(update={"fidelity": {"crops_fid": 0.0412}}))
    assert "By `bench`." in measured
    assert "| crops_fid | 0.0412 |" in measured


def test_what_is_not_known_is_said_so() -> None:
    info = open_bundle("nuclei-2d").info.model_copy(update={"data": {"source": "", "licence": "", "attribution": ""}})
    assert model_card(info).count("not stated") == 3
