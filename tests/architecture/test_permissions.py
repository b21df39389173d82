"""Whatever a service does for somebody, it asks first whether they may."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import get_type_hints

from entrepot.application import Application

# Not for people: the reason why nobody's permission is asked.
FREE = {
    "Access.prepare": "start of the program",
    "Access.setup_done": "open to all: a page has to know whether to show the set-up",
    "Access.set_up": "the one-time token is the permission",
    "Access.sign_in": "name and password are the permission",
    "Access.sign_in_with_code": "a challenge and a code are the permission",
    "PasswordResets.ask": "open to all: whoever forgot their password",
    "PasswordResets.use": "the link is the permission",
    "Access.authenticate": "says who asks; nothing is given away",
    "RateLimits.use": "counts what others ask for",
    "Roles.open": "open to all: names of roles, for whoever signs in",
    "Feeds.stage": "room for a body; the route asks before, receive asks again",
    "Feeds.due": "the keeper: what the settings ask for, and what was sent",
    "Feeds.pursue": "a worker: whoever began the job was asked",
    "Intake.stage": "room for a body; the route asks before, receive asks again",
    "Configurations.foreseen": "for those who asked before; nothing is shown or changed",
    "Policies.foreseen": "for those who asked before; nothing is shown or changed",
    "Inspector.reconsider": "worker: brings a goal about",
    "Promotions.place_all": "for those who asked the policy",
    "Resuming.resume": "worker: brings a goal about",
    "Cooling.unmet": "keeper: finds goals",
    "Inspector.inspect": "worker: brings a goal about",
    "Intake.receipt": "worker and own upload; no route of its own",
    "Inspector.follow": "wiring",
    "Inspector.watch": "worker: looks whether a goal was brought about",
    "Intake.follow": "wiring",
    "Reopening.act": "worker: what new findings lead to",
    "Waivers.unmet": "keeper: goals that are not met",
    "Waivers.pursue": "worker: brings a goal about",
    "Inspector.paused": "whether an answer is worth waiting for",
    "Inspector.unfinished": "keeper: goals that are not met",
    "Listings.version": "asks through Listings.artifact",
    "Suites.prepare": "start of the program",
    "Publisher.on_switch": "wiring",
    "Publisher.gather": "wiring",
    "Publisher.unmet": "keeper: goals that are not met",
    "Publisher.publish": "worker: brings a goal about",
    "Publisher.publish_late": "worker: brings a goal about",
    "Publications.report": "wiring",
    "Publications.wake": "tells those who wait for what they were allowed to do",
    "Keeper.rely": "wiring",
    "Publications.until": "waits for what the caller was allowed to do",
    "Publications.waiting_count": "how many wait, no names",
    "PublishedFiles.find": "content is open to all package managers",
    "PublishedFiles.remembered": "content is open to all package managers",
    "Retention.begin": "scheduler: what the settings plan",
    "Retention.unmet": "keeper: goals that are not met",
    "Retention.pursue": "worker: brings a goal about",
    "Rematch.begin": "scheduler: what the settings plan",
    "Rematch.unmet": "keeper: goals that are not met",
    "Rematch.pursue": "worker: brings a goal about",
    "Compositions.unmet": "keeper: goals that are not met",
    "Compositions.pursue": "worker: brings a goal about",
    "Compositions.stop": "end of the program",
    "Rescans.unmet": "keeper: goals that are not met",
    "Rescans.pursue": "worker: brings a goal about",
    "SigningKeys.settle": "keeper: goals that are not met",
    "Scheduler.next": "a time of day; the routes ask, each for its own permission",
    "Scheduler.due": "keeper: what the settings plan",
    "Collector.collect": "worker: brings a goal about",
    "Keeper.start": "start of the program",
    "Keeper.stop": "end of the program",
    "Keeper.alive": "health",
    "Keeper.beat": "the keeper's own thread",
    "Keeper.goals": "the keeper's own thread",
    "Keeper.trying": "a worker, around what it does",
    "Rollouts.advance": "the keeper's own thread",
    "Bulletins.tell": "a turn of the keeper, which says what administrators have asked for",
    "Configurations.current": "other services, and answers that show parts of it",
    "Events.newest": "a number; the route asks",
    "Events.version": "a number; the route asks",
    "Logs.last": "a number; the route asks",
    "Recorder.note": "content is open to all package managers",
    "Recorder.start": "start of the program",
    "Recorder.stop": "end of the program",
    "Recorder.flush": "the recorder's own thread",
    "Recorder.read_logs": "the recorder's own thread",
    "Notifications.unmet": "keeper: goals that are not met",
    "Notifications.stop": "end of the program",
    "Notifications.notify": "worker: brings a goal about",
    "Templates.test_mail": "other services",
    "DirectorySignIn.sign_in": "name and password are the permission",
    "ProviderSignIn.begin": "open to all: nobody is signed in yet",
    "ProviderSignIn.finish": "the answer of the provider is the permission",
    "ProviderSignIn.open": "whoever the provider vouched for",
    "ProviderSignIn.land": "whoever the provider vouched for",
    "ProviderSignIn.take": "the one-time code is the permission",
    "Workloads.exchange": "the token of the CI platform is the permission",
    "DirectorySignIn.renew": "a session that goes on; Access.refresh asks",
    "Refusals.note": "says that somebody was not allowed to do something",
    "Exports.key": "a public key is open to all",
    "Seals.signer": "other services of the log",
    "Seals.seal": "a checkpoint tells nothing and changes nothing",
    "Seals.seal_if_due": "keeper",
    "Seals.seal_at_end": "end of the program",
    "Seals.journal": "verification, which asks",
    "Antivirus.state": "dashboard, whose route asks; shown to whoever may read it",
    "Antivirus.component": "health",
    "SecondEngine.component": "health",
    "Courier.bases": "services: how files of a source are fetched",
    "Courier.close": "end of the program",
    "Courier.fetch": "services: how files of a source are fetched",
    "Courier.fetch_from": "services: how files of a source are fetched",
    "Courier.read": "services: how files of a source are fetched",
    "Courier.seal": "services: how files of a source are fetched",
    "Courier.secrets": "services: how files of a source are fetched",
    "Feeding.examine": "mirrors: whoever ran it was asked",
    "Feeding.judge": "mirrors: whoever ran it was asked",
    "Feeding.place": "mirrors: whoever ran it was asked",
    "Feeding.rules_of": "mirrors: a digest of settings, for the run itself",
    "OnDemand.open": "content: whoever may read what is published",
    "OnDemand.stop": "end of the program",
    "ExportJobs.pursue": "worker: whoever began the job was asked",
    "MergeJobs.pursue": "worker: whoever began the job was asked",
    "BundleFolders.pursue": "worker: whoever began the job was asked",
    "BundleMaking.pursue": "worker: whoever began the job was asked",
    "BundleImports.pursue": "worker: whoever began the job was asked",
    "BundleImports.release_abandoned": "keeper: what an import left behind that has ended",
    "MirrorPlans.job": "whoever began the run was asked",
    "MirrorPlans.places": "what a job is about, for whoever may see the job",
    "MirrorPlans.begin_planned": "scheduler: what the settings plan",
    "MirrorRuns.ask": "services, in the unit of what they were allowed to do",
    "MirrorRuns.wake": "services, after what they were allowed to do",
    "MirrorRuns.begin_due": "keeper: what was asked for when the mirror was added",
    "MirrorRuns.pursue": "worker: brings a goal about",
    "Sources.prepare": "start of the program",
    "Sources.switched": "services: a source as the settings switch it",
    "Syncs.begin_planned": "scheduler: what the settings plan",
    "Syncs.pursue": "worker: brings a goal about",
    "Imports.pursue": "worker: whoever began the job was asked",
    "UpstreamResolutions.choose": "imports, which have asked",
    "UpstreamResolutions.plan": "imports, which have asked",
    "Intake.standing": "what became of an import; no route of its own",
    "Jobs.begin": "services, in the unit of what they were allowed to do",
    "Jobs.cancelled": "services: work that goes on",
    "Jobs.define": "wiring",
    "Jobs.finish": "services: work that has ended",
    "Jobs.keep": "keeper",
    "Jobs.progress": "services: work that goes on",
    "Jobs.pursue": "worker: brings a goal about",
    "Jobs.running": "services, for what they were allowed to do",
    "Jobs.stop": "end of the program",
    "Jobs.unmet": "keeper: goals that are not met",
    "Jobs.wake": "services, after the unit of what they were allowed to do",
    "JobBoard.version": "a number; the route asks",
    "Health.components": "open to all; the route leaves details to those who are signed in",
}


def fields_of(owner: type) -> list[type]:
    """Types of the members of a dataclass."""
    hints = get_type_hints(owner)
    return [hints[each.name] for each in fields(owner)]


def services() -> list[type]:
    """The classes that entry points reach."""
    found = fields_of(Application)
    # Some stand side by side in an object of their own.
    found += [inner for each in found if is_dataclass(each) for inner in fields_of(each)]
    return [each for each in found if getattr(each, "__module__", "").startswith("entrepot.services.")]


def public_methods(service: type) -> dict[str, Callable[..., object]]:
    """What others may call, by ``Class.method``."""
    return {
        f"{service.__name__}.{name}": method
        for name, method in inspect.getmembers(service, inspect.isfunction)
        if not name.startswith("_")
    }


METHODS = {name: method for service in services() for name, method in public_methods(service).items()}


def test_the_services_are_found() -> None:
    assert len(services()) >= 12


def test_every_public_method_demands_a_permission_or_is_listed() -> None:
    silent = {name for name, method in METHODS.items() if "demand(actor, Permission." not in inspect.getsource(method)}
    assert silent - set(FREE) == set(), "these ask nobody's permission"
    assert set(FREE) - silent == set(), "these are listed as free, and do not exist or do ask"


def test_a_permission_is_demanded_before_the_catalog_is_opened() -> None:
    for name, method in METHODS.items():
        text = inspect.getsource(method)
        asked, opened = text.find("demand(actor"), text.find("self._catalog.")
        assert asked < opened or -1 in {asked, opened}, name
