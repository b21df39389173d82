"""Which files of a Release file belong to a mirror of one component and one architecture."""

from __future__ import annotations

import pytest

from entrepot.domain.upstream.mirror import group_of, is_mirrored


@pytest.mark.parametrize(
    "path",
    [
        "main/binary-amd64/Packages.xz",
        "main/binary-all/Packages.gz",
        "main/binary-amd64/Release",
        "main/Contents-amd64.gz",
        "Contents-amd64",
        "main/dep11/Components-amd64.yml.gz",
        "main/dep11/icons-64x64.tar.gz",
        "main/cnf/Commands-amd64.xz",
        "main/i18n/Translation-en.xz",
        "main/debian-installer/binary-amd64/Packages.xz",
    ],
)
def test_files_of_the_chosen_component_and_architecture_are_taken(path: str) -> None:
    assert is_mirrored(path, ("main",), frozenset({"amd64", "all"}))


@pytest.mark.parametrize(
    "path",
    [
        "main/binary-arm64/Packages.xz",
        "Contents-arm64.gz",
        "main/Contents-udeb-amd64.gz",
        "main/Contents-source.gz",
        "main/dep11/Components-arm64.yml.gz",
        "main/source/Sources.xz",
        "main/installer-amd64/current/images/SHA256SUMS",
        "main/binary-amd64/Packages.diff/Index",
        "contrib/binary-amd64/Packages.xz",
    ],
)
def test_others_are_left_where_they_are(path: str) -> None:
    assert not is_mirrored(path, ("main",), frozenset({"amd64", "all"}))


def test_forms_of_one_file_are_one_group() -> None:
    forms = {group_of(f"main/binary-amd64/Packages{each}") for each in ("", ".gz", ".xz", ".zst")}
    assert forms == {"main/binary-amd64/Packages"}
