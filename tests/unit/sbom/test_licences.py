"""Licences as packages write them, with the list of SPDX and its parser as judges."""

from __future__ import annotations

import pytest
from license_expression import get_spdx_licensing

from entrepot.domain.sbom.licences import EXCEPTIONS, IDS, joined, simple, valid_expression

SPDX = get_spdx_licensing()


def test_every_name_of_the_tables_is_one_of_spdx() -> None:
    for name in (*IDS.values(), *EXCEPTIONS.values()):
        text = f"GPL-2.0-only WITH {name}" if name in EXCEPTIONS.values() else name
        assert SPDX.validate(text).errors == [], name
        assert str(SPDX.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("MIT", "MIT"),
        ("mit", "MIT"),
        ("GPLv2+", "GPL-2.0-or-later"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("LGPLv2.1", "LGPL-2.1-only"),
        ("LGPL-3", "LGPL-3.0-only"),
        ("Expat", "MIT"),
        ("ASL 2.0", "Apache-2.0"),
        ("GPLv2+ and MIT", "GPL-2.0-or-later AND MIT"),
        ("(LGPLv3+ or GPLv2+) and ASL 2.0", "(LGPL-3.0-or-later OR GPL-2.0-or-later) AND Apache-2.0"),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0"),
        ("GPL-2+ with OpenSSL exception", None),
        ("BSD", None),
        ("Proprietary", None),
        ("MIT and", None),
        ("(MIT", None),
        ("MIT)", None),
        ("", None),
        ("(" * 500 + "MIT" + ")" * 500, None),
        ("MIT AND " * 1000 + "MIT", None),
    ],
)
def test_what_can_be_said_in_spdx_is(text: str, wanted: str | None) -> None:
    assert valid_expression(text) == wanted
    if wanted is not None:
        assert SPDX.validate(wanted).errors == []


def test_several_together_are_one_expression_or_none() -> None:
    assert joined(["MIT", "GPL-2+ or Artistic-2.0", "MIT"]) == "MIT AND (GPL-2.0-or-later OR Artistic-2.0)"
    assert joined(["MIT", "Beer"]) is None
    assert joined([]) is None


def test_an_id_is_one_only_as_spdx_spells_it() -> None:
    assert simple("MIT")
    assert not simple("mit")
    assert not simple("MIT OR ISC")
