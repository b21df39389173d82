"""The way in: what is asked of a package, by whom, and where it may go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypedDict

from entrepot.adapters.antivirus.setup import scanning_of
from entrepot.adapters.attestation import judging as attesting
from entrepot.adapters.grype.setup import engine_of
from entrepot.adapters.signing import judging, verification
from entrepot.domain.formats.base import Limits
from entrepot.domain.jobs.goals import Goal
from entrepot.domain.model.configuration import Configuration, DecisionRules
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.security import GateRules
from entrepot.errors import SigningUnavailable
from entrepot.main.parts import FORMATS, Parts
from entrepot.main.vulnerabilities import looking
from entrepot.services.configuration import Configurations, Policies, Rulebook
from entrepot.services.errata.notices import write_erratum
from entrepot.services.intake import Intake
from entrepot.services.intake.checks.age import AgeCheck
from entrepot.services.intake.checks.antivirus import antivirus_checks
from entrepot.services.intake.checks.base import Check
from entrepot.services.intake.checks.cve import VulnerabilityCheck
from entrepot.services.intake.checks.dependencies import DependencyCheck
from entrepot.services.intake.checks.grype import grype_checks
from entrepot.services.intake.checks.licence import LicenceCheck
from entrepot.services.intake.checks.provenance import ProvenanceCheck
from entrepot.services.intake.checks.signature import SignatureCheck
from entrepot.services.intake.cooling import Cooling
from entrepot.services.intake.decisions import Decisions, Quarantines, Records, Reports, Waivers
from entrepot.services.intake.decisions.reopening import Reopening
from entrepot.services.intake.examining import Examiner
from entrepot.services.intake.explaining import Explanations
from entrepot.services.intake.feeding import Feeding
from entrepot.services.intake.forecasts import Forecasts
from entrepot.services.intake.incoming import Incoming
from entrepot.services.intake.inspection import Inspector
from entrepot.services.intake.listing import Listings
from entrepot.services.intake.migrations import Migrations
from entrepot.services.intake.movements import Movements
from entrepot.services.intake.promotions import Promotions
from entrepot.services.intake.provenance.keys import TrustedKeys
from entrepot.services.intake.provenance.service import Provenances
from entrepot.services.intake.receipts import stored_subject
from entrepot.services.intake.resuming import Resuming
from entrepot.services.intake.reviews import Reviews
from entrepot.services.intake.standings import Standings
from entrepot.services.intake.transfers import Transfers
from entrepot.services.resolution import Resolutions
from entrepot.services.upkeep.antivirus import Antivirus
from entrepot.services.upkeep.grype import SecondEngine
from entrepot.services.vulnerabilities.looking import Looking
from entrepot.settings import Settings


class Gate(TypedDict):
    """By their names in the application."""

    policies: Policies
    forecasts: Forecasts
    intake: Intake
    incoming: Incoming
    inspector: Inspector
    cooling: Cooling
    feeding: Feeding
    transfers: Transfers
    movements: Movements
    reviews: Reviews
    decisions: Decisions
    listings: Listings
    explanations: Explanations
    resolutions: Resolutions
    antivirus: Antivirus
    grype: SecondEngine
    trusted_keys: TrustedKeys
    provenances: Provenances
    vulnerabilities: Looking


def gate(settings: Settings, parts: Parts, quick: Sequence[Check], configurations: Configurations) -> Gate:
    """One list of checks for every way in; ``quick`` are those that need nothing but the package."""
    configuration, scanning, engine = configurations.current, scanning_of(settings), engine_of(settings)
    rules = Rulebook(configuration, parts.now).of
    known = VulnerabilityCheck(configuration, parts.now)
    told = (LicenceCheck(rules), AgeCheck(rules, known, stored_subject, FORMATS, parts.now))
    checks = (
        *quick,
        SignatureCheck(judging, parts.now),
        ProvenanceCheck(attesting),
        known,
        *told,
        *antivirus_checks(scanning, configuration, parts.monotonic),
        *grype_checks(engine, configuration, parts.now),
    )
    reopening = Reopening(parts.catalog, parts.queue, rules, configuration, parts.now)
    intake = Intake(parts.catalog, parts.blobs, parts.queue, FORMATS, checks, Limits(), rules, parts.now)
    listings = Listings(parts.catalog, FORMATS)
    policies = Policies(parts.catalog, configurations, parts.now)
    quarantines = Quarantines(parts.catalog, parts.queue, parts.now)
    return Gate(
        policies=policies,
        forecasts=Forecasts(parts.catalog, rules, policies.foreseen, parts.monotonic),
        intake=intake,
        incoming=Incoming(parts.catalog, parts.blobs, intake, verification, _uploaders(settings), parts.now),
        inspector=Inspector(parts.catalog, parts.blobs, parts.queue, FORMATS, checks, rules, parts.now),
        cooling=Cooling(parts.catalog, rules, parts.now),
        feeding=Feeding(parts.catalog, parts.blobs, FORMATS, _judges(checks), rules, parts.now),
        transfers=_transfers(parts, checks, rules, lambda: configuration().decisions),
        movements=Movements(parts.catalog, parts.queue, parts.now),
        reviews=Reviews(parts.catalog, parts.blobs, parts.queue, FORMATS, configuration, parts.now, write_erratum),
        decisions=_decisions(parts, quarantines, reopening, configuration),
        listings=listings,
        explanations=Explanations(parts.catalog, FORMATS, configuration, parts.now),
        resolutions=Resolutions(parts.catalog, FORMATS),
        antivirus=Antivirus(parts.catalog, scanning, parts.now, parts.monotonic),
        grype=SecondEngine(parts.catalog, engine, parts.now, parts.monotonic),
        trusted_keys=TrustedKeys(parts.catalog, judging, attesting, parts.now),
        provenances=Provenances(parts.catalog, parts.blobs, listings, judging, attesting, parts.now),
        vulnerabilities=looking(
            parts, Examiner(parts.catalog, parts.blobs, checks), quarantines, reopening, configuration
        ),
    )


def unmet_of(let_in: Gate) -> tuple[Callable[[], list[Goal]], ...]:
    """What the gate still has to do, found in the catalog."""
    looking = let_in["vulnerabilities"]
    return (
        let_in["inspector"].unfinished,
        let_in["decisions"].waivers.unmet,
        let_in["cooling"].unmet,
        looking.rematch.unmet,
        looking.rescans.unmet,
    )


def _decisions(
    parts: Parts, quarantines: Quarantines, reopening: Reopening, configuration: Callable[[], Configuration]
) -> Decisions:
    return Decisions(
        records=Records(parts.catalog, parts.blobs, parts.queue, parts.now),
        quarantines=quarantines,
        waivers=Waivers(parts.catalog, parts.blobs, parts.queue, FORMATS, configuration, parts.now),
        reports=Reports(parts.catalog, configuration, parts.now),
        reopening=reopening,
    )


def _judges(checks: Sequence[Check]) -> list[Check]:
    """Without what a suite lacks: that informs, decides nothing, and would be asked of thousands of packages here."""
    return [check for check in checks if check.name != DependencyCheck.name]


def _transfers(
    parts: Parts,
    checks: Sequence[Check],
    rules: Callable[[Suite], GateRules],
    deciding: Callable[[], DecisionRules],
) -> Transfers:
    standings = Standings(parts.catalog, parts.blobs, _judges(checks), rules)
    promotions = Promotions(parts.catalog, parts.queue, FORMATS, standings, deciding, parts.now)
    return Transfers(
        promotions,
        Migrations(parts.catalog, parts.queue, FORMATS, standings, parts.now),
        Resuming(parts.catalog, parts.queue, standings, promotions, parts.now),
        standings.against,
    )


def _uploaders(settings: Settings) -> Callable[[], bytes | None]:
    path = settings.uploader_keyring

    def read() -> bytes | None:
        if path is None:
            return None
        try:
            return path.read_bytes()
        except OSError as error:
            raise SigningUnavailable(
                f"the keyring of uploaders cannot be read ({error.strerror}); see ENTREPOT_UPLOADER_KEYRING"
            ) from error

    return read
