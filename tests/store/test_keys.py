"""Keys: the same for equal ingredients however they are written down, another for any change; and the reason told."""

import os
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lyra_sim.runner.planning import field_values
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.store import DigestCache, explain, ingredients_of, key_of

words = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=12,
)
digests = st.dictionaries(words, words, max_size=3)
made_of = st.fixed_dictionaries(
    {
        "step": words,
        "version": st.integers(1, 9),
        "needs": digests,
        "fields": st.dictionaries(words, plain, max_size=4),
        "sources": st.dictionaries(words, digests, max_size=2),
        "plugins": st.dictionaries(words, st.fixed_dictionaries({"version": words, "weights": st.none() | words}), max_size=2),
        "seed": st.integers(0, 2**31 - 1),
    }
)


def reversed_order(value):
    if isinstance(value, dict):
        return {key: reversed_order(value[key]) for key in reversed(list(value))}
    return [reversed_order(item) for item in value] if isinstance(value, list) else value


@given(made_of)
def test_a_key_does_not_depend_on_the_order_of_mappings(parts):
    turned = ingredients_of(**reversed_order(parts))
    assert key_of(turned) == key_of(ingredients_of(**parts))
    assert explain(ingredients_of(**parts), turned) == ()


@given(made_of, made_of)
def test_different_ingredients_have_different_keys_and_a_reason(one, two):
    old, new = ingredients_of(**one), ingredients_of(**two)
    assert (explain(old, new) == ()) == (key_of(old) == key_of(new))


def leaves(value, path=()):
    if isinstance(value, dict):
        return [leaf for key, child in value.items() for leaf in leaves(child, (*path, key))]
    return [(path, value)]


def edited(value, path):
    if path:
        return {**value, path[0]: edited(value[path[0]], path[1:])}
    return f"{value}'" if isinstance(value, str) else [value, "edited"]


SCENE = SceneSpec(name="room", rgbd={"frames": "/x/rgb", "depth": "/x/d", "cameras": "/x/t.json"})
EVERYTHING = tuple(SceneSpec.model_fields)
VALUES = field_values(SCENE, EVERYTHING)


def ingredients(fields):
    return ingredients_of(step="all", version=1, needs={}, fields=fields, sources={}, plugins={}, seed=7)


@given(st.sampled_from(leaves(VALUES)))
def test_any_edit_of_the_configuration_changes_the_key_and_is_named(leaf):
    path, _ = leaf
    changed = edited(VALUES, path)
    assert key_of(ingredients(changed)) != key_of(ingredients(VALUES))
    (reason,) = explain(ingredients(VALUES), ingredients(changed))
    assert reason.startswith(f"param changed: {'.'.join(path)} (")


def test_a_key_holds_no_folder():
    moved = SCENE.rgbd.model_copy(update={"frames": Path("/y/rgb"), "depth": Path("z/d")})
    assert field_values(SCENE.model_copy(update={"rgbd": moved}), EVERYTHING) == VALUES
    assert "/x" not in repr(VALUES)


def test_each_kind_of_change_has_its_words():
    def of(**changes):
        parts = {"step": "mesh", "version": 1, "needs": {"align": "k1"}, "fields": {"mesh": {"voxel_size": 0.04}}, "seed": 7}
        parts |= {
            "sources": {"rgbd.frames": {"rgb/0.jpg": "d1"}},
            "plugins": {"physics:physx": {"version": "1", "weights": None}},
        }
        return ingredients_of(**{**parts, **changes})

    old = of()
    assert explain(None, old) == ("never built",)
    assert explain(old, of(fields={"mesh": {"voxel_size": 0.05}})) == ("param changed: mesh.voxel_size (0.04 → 0.05)",)
    assert explain(old, of(fields={"mesh": {"voxel_size": 0.04, "new": 1}})) == ("param added: mesh.new (1)",)
    assert explain(old, of(seed=8)) == ("param changed: seed (7 → 8)",)
    assert explain(old, of(version=2)) == ("step version 1 → 2",)
    assert explain(old, of(needs={"align": "k2"})) == ("upstream changed: align",)
    assert explain(old, of(sources={"rgbd.frames": {"rgb/0.jpg": "d2"}})) == ("input changed: rgb/0.jpg",)
    plugins = {"physics:physx": {"version": "1", "weights": "abcdef0123"}}
    assert explain(old, of(plugins=plugins)) == ("plug-in changed: physics:physx (version 1 → version 1, weights abcdef01)",)
    old, new = (
        of(plugins={"physics:physx": {"version": "1", "weights": None, "packages": {"ovphysx": version}}})
        for version in ("0.7", "0.8")
    )
    assert explain(old, new) == ("plug-in changed: physics:physx (version 1, ovphysx 0.7 → version 1, ovphysx 0.8)",)
    old = of()
    many = {f"rgb/{index}.jpg": "d" for index in range(9)}
    assert explain(old, of(sources={"rgbd.frames": many}))[-1] == "and 6 more inputs"


def test_unchanged_files_are_not_read_again_and_changed_ones_are(tmp_path):
    file, store = tmp_path / "a.bin", tmp_path / "steps" / ".digests.json"
    file.write_bytes(b"one")
    old = time.time() - 60
    os.utime(file, (old, old))
    cache = DigestCache(store)
    first = cache.digest(file)
    cache.save()
    assert not store.exists(), "changed a moment ago (ctime): not remembered, because it may change again within a clock tick"
    cache._used[identity := next(iter(identities(file)))] = "remembered"
    cache.save()
    assert DigestCache(store).digest(file) == "remembered", "trusted without reading"
    assert str(tmp_path) not in store.read_text() and identity in store.read_text()
    file.write_bytes(b"two")
    os.utime(file, (old, old))
    assert DigestCache(store).digest(file) not in ("remembered", first), "same size and mtime, but the ctime tells"
    store.write_text("not json")
    assert DigestCache(store).digest(file) == cache.digest(file)


def identities(file):
    stat = file.stat()
    yield f"{stat.st_dev}:{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}"
