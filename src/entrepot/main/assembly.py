"""Settings in, application out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

from entrepot.adapters.catalog.records import JsonValue
from entrepot.application import Application
from entrepot.domain.model.configuration import RATE_GROUPS
from entrepot.errors import BadSetting
from entrepot.main.bundles import carrying
from entrepot.main.errata import errata
from entrepot.main.feeds import feeding
from entrepot.main.following import following, watch_uploads
from entrepot.main.gate import Gate, gate, unmet_of
from entrepot.main.imports import importing
from entrepot.main.parts import CHECKS, Parts, outside
from entrepot.main.people import signing_in
from entrepot.main.publishing import exporting, key_maker, publishing
from entrepot.main.snapshots import frozen
from entrepot.main.software import software_of
from entrepot.main.upkeep import retention_of
from entrepot.main.upstream import upstream
from entrepot.main.watching import audit_of, notifications_of, overview
from entrepot.services.access.accounts import accounts
from entrepot.services.access.standing import WatchedPeople
from entrepot.services.configuration import Configurations
from entrepot.services.intake.checks.base import Check
from entrepot.services.notify import Outbox, Templates
from entrepot.services.publish.gathering import Gathering
from entrepot.services.upkeep.health import Health
from entrepot.services.upkeep.keeper import Keeper
from entrepot.services.upkeep.pins import Pins
from entrepot.services.upkeep.preflight import Preflight
from entrepot.settings import Settings


def assemble(settings: Settings, parts: Parts, checks: Sequence[Check] = CHECKS) -> Application:
    """Wire the services; tests call this with other parts."""
    configurations = Configurations(parts.catalog, parts.secret, parts.now, _defaults(settings))
    configuration, site = configurations.current, _site(settings, configurations)
    followed = following(settings, parts)
    let_in = gate(settings, parts, checks, configurations)
    published = publishing(settings, parts, let_in["transfers"].against)
    watch_uploads(followed["jobs"], let_in)
    Gathering(let_in["intake"].arrivals, published["publications"]).gather(published["publisher"])
    watched = WatchedPeople(parts.people, configuration, parts.monotonic)
    persons, audit = signing_in(settings, parts, watched, configuration), audit_of(parts)
    outbox, templates = Outbox(parts.secret, parts.now), Templates(parts.catalog, configuration, parts.now)
    notifications = notifications_of(parts, outbox, templates, configuration)
    made = (key_maker(settings, parts), let_in, published["publisher"].publish)
    outer = upstream(settings, parts, configuration, followed["jobs"], *made)
    planned = [one.begin_planned for one in (outer["syncs"], outer["mirror_plans"])]
    retention, scheduler = retention_of(parts, configuration, audit, let_in["vulnerabilities"].rematch.begin, *planned)
    fed = feeding(settings, parts, followed["jobs"], configuration)
    told, software, kept = errata(parts, configuration), software_of(parts), frozen(parts, configuration)
    carried = carrying(settings, parts, let_in, published, outer, kept, followed["jobs"])
    unmet = (
        published["publisher"].unmet,
        *unmet_of(let_in),
        notifications.unmet,
        *(scheduler.due, retention.unmet),
        published["signing_keys"].settle,
        followed["jobs"].unmet,
        *(fed["feeds"].due, software["compositions"].unmet),
    )
    kept_up = (audit.seals.seal_if_due, followed["jobs"].keep, carried["bundle_imports"].release_abandoned)
    begun = (told["rollouts"].advance, told["bulletins"].tell, outer["mirror_runs"].begin_due)
    keeper = Keeper(parts.catalog, parts.queue, settings.node_name, unmet, parts.now, (*kept_up, *begun))
    health = _health(parts, keeper, let_in, watched)
    return Application(
        configurations=configurations,
        **persons,
        **accounts(parts.catalog, parts.secret, configuration, outbox.post, site, parts.now),
        **let_in,
        **published,
        **followed,
        **software,
        **told,
        **fed,
        **outer,
        **kept,
        **carried,
        **exporting(settings, parts, published, followed["jobs"]),
        **importing(settings, parts, let_in, outer, followed["jobs"]),
        audit=audit,
        pins=Pins(parts.catalog, parts.now),
        retention=retention,
        scheduler=scheduler,
        keeper=keeper,
        health=health,
        preflight=Preflight(persons["access"].setup_done, health.components, _free_bytes(settings), site),
        **overview(settings, parts),
        notifications=notifications,
        templates=templates,
        **outside(parts),
    )


def _health(parts: Parts, keeper: Keeper, let_in: Gate, watched: WatchedPeople) -> Health:
    scanners = (let_in["antivirus"].component, let_in["grype"].component)
    return Health(parts.catalog, parts.blobs, parts.keyring, keeper.alive, scanners, parts.now, watched.state)


def _defaults(settings: Settings) -> dict[str, JsonValue]:
    """What the environment says about settings that administrators may change later."""
    given = settings.rate_limit_defaults
    everywhere = given.pop("all", None)
    if unknown := sorted(set(given) - set(RATE_GROUPS)):
        raise BadSetting(f"ENTREPOT_RATE_LIMITS: no limit is named {unknown[0]}; known are {', '.join(RATE_GROUPS)}")
    limits: dict[str, JsonValue] = dict.fromkeys(RATE_GROUPS, everywhere) if everywhere else {}
    return {"rate_limits": {**limits, **given}}


def _free_bytes(settings: Settings) -> Callable[[], int]:
    return lambda: shutil.disk_usage(settings.data).free


def _site(settings: Settings, configurations: Configurations) -> Callable[[], str]:
    """Where people find this server, as far as anybody said."""
    return lambda: configurations.current().app_url or settings.public_url.rstrip("/")
