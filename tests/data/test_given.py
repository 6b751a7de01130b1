"""Notes of a reader: what they tell, and that they come along with an error."""

import pytest

from lyra_sim.data.capture import GivenFacts
from lyra_sim.data.given import LeftOut, ReadingNotes, told_on_failure
from lyra_sim.errors import GeometryError, InputError
from lyra_sim.quality.report.reading import reading_section

NOTES = ReadingNotes(
    file="a.glb",
    format="glTF 2.0, binary",
    held={"triangles": 14, "animations": 0},
    taken={"triangles": 12},
    left_out=(LeftOut(what="line primitives", count=2, why="they have no surface"),),
    remarks=("1 <skinned> mesh stands as its joints do",),
)


def test_they_survive_a_file():
    assert ReadingNotes.from_json(NOTES.to_json()) == NOTES
    facts = GivenFacts(kind="mesh", files=("a.glb",), format="glTF 2.0", reading=(NOTES,))
    assert GivenFacts.from_json(facts.to_json()) == facts and facts.told == NOTES.lines


def test_a_later_error_tells_what_was_left_out():
    with pytest.raises(GeometryError) as raised, told_on_failure([NOTES]):
        raise GeometryError("scene 'a'", "no floor", next_step="State a start.")
    assert str(raised.value).splitlines()[1:] == [
        "  State a start.",
        "  Read with this left out or changed:",
        "  a.glb: 2 line primitives left out: they have no surface",
        "  a.glb: 1 <skinned> mesh stands as its joints do",
    ]


def test_an_error_stays_as_it_is_where_nothing_was_left_out():
    whole = ReadingNotes(file="a.glb", format="glTF 2.0")
    error = InputError("a", "b")
    with pytest.raises(InputError) as raised, told_on_failure([whole]):
        raise error
    assert raised.value is error


def test_the_report_has_the_whole_account():
    section = reading_section([NOTES])
    assert section is not None
    row = '<tr class=less><td>triangles</td><td class="number">14</td><td class="number">12</td></tr>'
    assert row in section.body and "animations" not in section.body, "a row for what there is"
    assert "<li>2 line primitives left out: they have no surface</li>" in section.body
    assert "1 &lt;skinned&gt; mesh" in section.body and "Nothing was left out" not in section.body
    whole = reading_section([ReadingNotes(file="<b>.obj", format="OBJ", held={"faces": 1200}, taken={"triangles": 5})])
    assert whole is not None and "&lt;b&gt;.obj" in whole.body and "<li>Nothing was left out.</li>" in whole.body
    assert '<tr><td>faces</td><td class="number">1,200</td><td class="number">–</td></tr>' in whole.body
    assert reading_section([]) is None
    told = reading_section([], ["11 of 12 photos are used; left out: <a> (blurred)"])
    assert told is not None and "<li>11 of 12 photos are used; left out: &lt;a&gt; (blurred)</li>" in told.body
