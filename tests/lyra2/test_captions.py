"""Captions by frame: which one a chunk takes, and which files are refused."""

import json
from pathlib import Path

import pytest

from lyra_sim.errors import InputError, SpecError
from lyra_sim_lyra2.encoders.captions import MAX_BYTES, Captions


def written(folder: Path, text: str) -> Path:
    file = folder / "captions.json"
    file.write_text(text, encoding="utf-8")
    return file


def test_one_caption_holds_for_all_frames() -> None:
    captions = Captions.from_config("  A hall\n with   white walls. ", None)
    assert captions.at(0) == captions.at(8000) == "A hall with white walls." and captions.distinct == (captions.at(0),)


def test_no_words_is_the_empty_caption() -> None:
    assert Captions.from_config(None, None).at(80) == ""


def test_a_chunk_takes_the_last_caption_at_or_before_its_first_frame(tmp_path: Path) -> None:
    """In the frames' order, whichever order the file has; a text that comes back is embedded once."""
    file = written(tmp_path, json.dumps({"160": "A kitchen.", "0": "A hall.", "1000": "A hall.", "90": "Stairs."}))
    captions = Captions.from_config(None, file)
    assert [captions.at(frame) for frame in (0, 80, 90, 159, 160, 240, 1000)] == [
        *("A hall.", "A hall.", "Stairs.", "Stairs.", "A kitchen.", "A kitchen.", "A hall.")
    ]
    assert captions.distinct == ("A hall.", "Stairs.", "A kitchen.")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{}", "it holds no caption"),
        ("[]", "it holds a list"),
        ('"words"', "it holds a str"),
        ('{"0": "a",}', "it isn't JSON"),
        ('{"80": "a", "160": "b"}', "the first caption begins at frame 80, so the chunks that start before it"),
        ('{"0": "a", "8.5": "b"}', "the key '8.5' is no frame number"),
        ('{"0": "a", "-8": "b"}', "the key '-8' is no frame number"),
        ('{"0": "a", "²": "b"}', "the key '²' is no frame number"),
        ('{"0": "a", "8": " \\n"}', "the caption of frame 8 is empty"),
        ('{"0": ["a"]}', "the caption of frame 0 is no text"),
        ('{"0": "a", "8": "b", "08": "c"}', "frame 8 has two captions"),
        ('{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}', "'c' is no frame number, and 2 more faults"),
        ("[" * 100_000, "it isn't JSON"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path: Path, text: str, found: str) -> None:
    with pytest.raises(InputError) as told:
        Captions.from_config(None, written(tmp_path, text))
    assert found in str(told.value) and "captions.json" in str(told.value) and '"160"' in str(told.value)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"4\.0 MB, at most 4 are read"):
        Captions.from_config(None, written(tmp_path, " " * (MAX_BYTES + 1)))


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        Captions.from_config(None, tmp_path / "captions.json")
    (tmp_path / "captions.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(InputError, match="isn't JSON"):
        Captions.from_config(None, tmp_path / "captions.json")


def test_both_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="one of them"):
        Captions.from_config("A hall.", written(tmp_path, '{"0": "A hall."}'))
