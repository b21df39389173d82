"""Where hostile-file generators are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.testing.corpora import require_shared, shared_folder


def test_the_folder_is_the_one_that_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_SHARED", str(tmp_path))
    (tmp_path / "hostile").mkdir()
    assert shared_folder() == require_shared() == tmp_path
    assert require_shared("hostile") == tmp_path / "hostile"


@pytest.mark.parametrize("parts", [(), ("absent.py",)])
def test_an_absent_folder_or_file_skips_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ENTREPOT_SHARED", str(tmp_path if parts else tmp_path / "absent"))
    with pytest.raises(pytest.skip.Exception, match="hostile-file generators"):
        require_shared(*parts)
