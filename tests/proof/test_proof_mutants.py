"""The list of defects can't rot: each still has its place in the code, and its tests are there."""

from __future__ import annotations

import pytest

from tests.proof.defects import DEFECTS, Defect
from tests.proof.mutants import PROJECT, edited


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_every_defect_can_still_be_put_back(defect: Defect) -> None:
    texts = {edit.file: (PROJECT / edit.file).read_text() for edit in defect.edits}
    for edit in defect.edits:
        texts[edit.file] = edited(texts[edit.file], edit.old, edit.new)
    for name, text in texts.items():
        compile(text, name, "exec")
    for test in defect.tests:
        file, _, name = test.partition("::")
        assert f"def {name}" in (PROJECT / file).read_text()


def test_defects_have_names_of_their_own() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)
