"""Keys over time, through the assembled application."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot.adapters.signing import verification
from entrepot.adapters.signing.base import KeyAlgorithm, NewKey
from entrepot.domain.jobs.goals import GoalKind
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import SuiteId
from entrepot.errors import BadSignature, InvalidRequest, KeyOverlap, NotFound, SigningUnavailable
from entrepot.services.upkeep.signing_keys import Wanted
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation

NAME = "deb-main"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[MemoryInstallation]:
    """Nothing happens in it but what the test says."""
    with memory_installation(tmp_path, works=False) as found:
        found.application.signing_keys.settle()
        publish(found)
        yield found


def publish(house: MemoryInstallation) -> None:
    for goal in house.application.publisher.unmet():
        if goal.kind is GoalKind.PUBLISH:
            house.application.publisher.publish(SuiteId(goal.subject))


def signed_by(house: MemoryInstallation, certificate: bytes) -> bool:
    text = house.read(Format.DEB, "dists/jammy/InRelease")
    assert text is not None
    try:
        verification.verify_clearsigned(certificate, text)
    except BadSignature:
        return False
    return True


def test_both_sign_until_the_old_one_is_retired(house: MemoryInstallation) -> None:
    keys = house.application.signing_keys
    old = house.keyring.signer(NAME).certificate()
    changed = keys.rotate(ADMIN, Wanted(expire="2y"))
    assert {key.name for key in changed.keys} == {NAME, "rpm-main"}
    both = house.keyring.signer(NAME).certificate()
    new = both[len(old) :]
    assert house.read(Format.DEB, "key.gpg") == both
    assert not signed_by(house, new), "not before a generation is made"
    with pytest.raises(KeyOverlap):
        keys.retire(ADMIN, "", force=True)  # suites are not signed by both yet
    publish(house)
    assert signed_by(house, old)
    assert signed_by(house, new)
    with pytest.raises(KeyOverlap) as refused:
        keys.retire(ADMIN, "", force=False)
    assert refused.value.facts == {"overlap_days": 0}
    with pytest.raises(KeyOverlap):
        keys.rotate(ADMIN, Wanted())
    house.clock.advance(days=31)
    keys.retire(ADMIN, "apt/main", force=False)
    publish(house)
    assert not signed_by(house, old)
    assert signed_by(house, new)
    assert len(house.keyring.keys("rpm-main")) == 2
    with pytest.raises(InvalidRequest):
        keys.retire(ADMIN, "apt/main", force=True)
    assert house.application.verifier.verify(SYSTEM).differences == ()
    with house.catalog.read() as reading:
        actions = [entry.action for entry in reading.audit_entries(200)]
    assert (actions.count("GPG_GENERATE"), actions.count("GPG_RETIRE")) == (2, 1)


def test_a_key_that_is_in_the_keyring_only_is_found_by_any_keeper(house: MemoryInstallation) -> None:
    """Whoever made it was killed before the catalog knew."""
    house.keyring.add(NAME, NewKey("Next <n@example.org>", KeyAlgorithm.ED25519, house.clock.now()))
    revision = house.suite("jammy").revision
    assert {goal.kind for goal in house.application.keeper.goals()} >= {GoalKind.PUBLISH}
    assert house.suite("jammy").revision == revision + 1
    assert house.application.signing_keys.settle() == []
    publish(house)
    for key in (house.keyring.signer(NAME).certificate(),):
        assert signed_by(house, key)
    new = house.keyring.keys(NAME)[0].fingerprint
    house.keyring.retire(NAME, new)
    house.application.signing_keys.settle()
    publish(house)
    assert signed_by(house, house.keyring.signer(NAME).certificate())


def test_ends_are_moved_shown_and_kept_to(house: MemoryInstallation) -> None:
    keys, health = house.application.signing_keys, house.application.health

    def state() -> str:
        return next(one.state for one in health.components() if one.name == "gpg")

    before = [key.fingerprint for one in keys.show(ADMIN) for key in one.keys]
    keys.extend(ADMIN, "", "90d")
    assert [key.fingerprint for one in keys.show(ADMIN) for key in one.keys] == before
    assert {
        (key.expires_at - house.clock.now()).days for one in keys.show(ADMIN) for key in one.keys if key.expires_at
    } == {90}
    publish(house)
    assert state() == "ok"
    house.clock.advance(days=70)
    assert state() == "degraded"
    house.clock.advance(days=21)
    assert state() == "error"
    house.application.suites.republish(ADMIN)
    with pytest.raises(SigningUnavailable):
        publish(house)
    keys.extend(ADMIN, "", "never")
    publish(house)
    assert state() == "ok"
    assert [key.expires_at for one in keys.show(ADMIN) for key in one.keys] == [None, None]
    assert signed_by(house, house.keyring.signer(NAME).certificate())


@pytest.mark.parametrize(
    "wanted", [Wanted(expire="soon"), Wanted(expire="0d"), Wanted(expire="9999y"), Wanted(algorithm="dsa")]
)
def test_what_cannot_be_made_is_refused(house: MemoryInstallation, wanted: Wanted) -> None:
    with pytest.raises(InvalidRequest):
        house.application.signing_keys.rotate(ADMIN, wanted)
    with pytest.raises(NotFound):
        house.application.signing_keys.rotate(ADMIN, Wanted(archive="apt/elsewhere"))
    assert len(house.keyring.keys(NAME)) == 1
