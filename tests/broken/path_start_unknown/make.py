"""The path starts at a photo that isn't there."""

from tests.broken_rooms import write_room


def make(folder):
    write_room(folder, views=8)
    scenes = folder / "scenes.yaml"
    text = scenes.read_text(encoding="utf-8")
    scenes.write_text(text + "    generate: {path: {preset: orbit, start: img_0002}}\n", encoding="utf-8")
