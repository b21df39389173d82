"""The main API of one server: a part for each theme, and one method for each operation."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from entrepot.client.account import Account, SecondFactor
from entrepot.client.antivirus import Antivirus
from entrepot.client.artifacts import Artifacts, Selection
from entrepot.client.audit import Audit
from entrepot.client.bundles import BundlesTheme
from entrepot.client.dashboard import Dashboard, Downloads, Logs
from entrepot.client.distributions import DistributionsTheme
from entrepot.client.errata import Errata, Rollouts
from entrepot.client.exports import ExportsTheme
from entrepot.client.feeds import Feeds
from entrepot.client.groups import GroupsTheme, RolesTheme
from entrepot.client.grype import Grype
from entrepot.client.imports import ImportsTheme
from entrepot.client.jobs import JobsTheme
from entrepot.client.keys import Keys
from entrepot.client.mirrors import MirrorsTheme
from entrepot.client.notifications import Notifications, TemplatesTheme
from entrepot.client.people import People
from entrepot.client.policy import PolicyTheme
from entrepot.client.promotions import Promotions
from entrepot.client.provenance import ProvenanceTheme
from entrepot.client.retention import Retention
from entrepot.client.reviews import Decisions, Reviews
from entrepot.client.sbom import Sbom
from entrepot.client.server import ServerTheme
from entrepot.client.settings import Settings
from entrepot.client.snapshots import EnvironmentsTheme, SnapshotsTheme
from entrepot.client.sources import SourcesTheme
from entrepot.client.suites import SuitesTheme
from entrepot.client.transport import Patience, Transport
from entrepot.client.versions import VersionsTheme
from entrepot.client.vulnerabilities import VulnerabilitiesTheme
from entrepot.client.wire import Wire

__all__ = ["Client", "Selection"]


class Client:
    """The main API of one server.

    Every method raises ``ClientError`` and its kin.  ``patience`` is for 429 and 503; without any, these are raised
    at once.  May be used by several threads.
    """

    def __init__(
        self, base_url: str, token: str | None = None, *, timeout_seconds: float = 30, patience: Patience | None = None
    ) -> None:
        self._transport = Transport(base_url, token, timeout_seconds)
        wire = Wire(self._transport, patience or Patience())
        self.account = Account(wire)
        self.second_factor = SecondFactor(wire)
        self.people = People(wire)
        self.groups = GroupsTheme(wire)
        self.roles = RolesTheme(wire)
        self.artifacts = Artifacts(wire)
        self.versions = VersionsTheme(wire)
        self.distributions = DistributionsTheme(wire)
        self.promotions = Promotions(wire)
        self.snapshots = SnapshotsTheme(wire)
        self.suites = SuitesTheme(wire)
        self.environments = EnvironmentsTheme(wire)
        self.errata = Errata(wire)
        self.rollouts = Rollouts(wire)
        self.jobs = JobsTheme(wire)
        self.keys = Keys(wire)
        self.reviews = Reviews(wire)
        self.decisions = Decisions(wire)
        self.antivirus = Antivirus(wire)
        self.grype = Grype(wire)
        self.policy = PolicyTheme(wire)
        self.provenance = ProvenanceTheme(wire)
        self.vulnerabilities = VulnerabilitiesTheme(wire)
        self.feeds = Feeds(wire)
        self.retention = Retention(wire)
        self.sources = SourcesTheme(wire)
        self.imports = ImportsTheme(wire)
        self.mirrors = MirrorsTheme(wire)
        self.bundles = BundlesTheme(wire)
        self.exports = ExportsTheme(wire)
        self.dashboard = Dashboard(wire)
        self.downloads = Downloads(wire)
        self.logs = Logs(wire)
        self.audit = Audit(wire)
        self.sbom = Sbom(wire)
        self.settings = Settings(wire)
        self.notifications = Notifications(wire)
        self.templates = TemplatesTheme(wire)
        self.server = ServerTheme(wire)
        self._shorten()

    def _shorten(self) -> None:
        """Short names for what is called most."""
        self.upkeep = self.retention
        self.sign_in, self.send_code, self.me = self.account.sign_in, self.account.send_code, self.account.me
        self.upload, self.packages = self.artifacts.upload, self.artifacts.packages
        self.all_packages, self.artifact = self.artifacts.all_packages, self.artifacts.one
        self.manifest, self.delete = self.artifacts.manifest, self.artifacts.delete
        self.delete_version = self.artifacts.delete_version
        self.distribution_packages, self.initialise = self.distributions.packages, self.distributions.initialise
        self.archives, self.public_key = self.distributions.archives, self.distributions.public_key
        self.promote = self.promotions.promote
        self.review_queue, self.decide = self.reviews.queue, self.reviews.decide
        self.health = self.server.health

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """Of the server, without a slash at its end."""
        return self._transport.base_url

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()
