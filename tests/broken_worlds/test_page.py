from tests.broken_worlds.build_faults import BUILD_FAULTS, INPUT_FAULTS
from tests.broken_worlds.package_faults import PACKAGE_FAULTS, PHYSICS_FAULTS
from tests.broken_worlds.page import PAGE, text


def test_the_page_is_written_from_the_faults() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(), "write it again: python -m tests.broken_worlds.page"


def test_there_are_many_and_no_two_are_alike() -> None:
    for faults in (PACKAGE_FAULTS, BUILD_FAULTS, INPUT_FAULTS, PHYSICS_FAULTS):
        assert len({fault.name for fault in faults}) == len(faults)
    assert len({fault.name for fault in (*PACKAGE_FAULTS, *BUILD_FAULTS, *INPUT_FAULTS, *PHYSICS_FAULTS)}) >= 24
