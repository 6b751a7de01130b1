"""docs/lyra2.md names every option with its true default, and nothing that doesn't exist."""

from lyra_sim_lyra2.options import Lyra2Config
from tests.house.files import ROOT
from tests.house.test_scene_file_page import keys, rows

PAGE = (ROOT / "docs" / "lyra2.md").read_text(encoding="utf-8")


def test_every_option_is_there_with_its_default_and_explained() -> None:
    table = [row for row in rows(PAGE) if row[0].startswith("generate.options.")]
    assert {(key, default.strip("`")) for key, default, _ in table} == set(keys(Lyra2Config, "generate.options."))
    assert not [key for key, _, meaning in table if len(meaning) < 10]
