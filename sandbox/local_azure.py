"""Puts the local Azure together: `with Sandbox() as sandbox:`, then run the product with `sandbox.environment`."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sandbox.address_book import KEY_DOORS, AddressBook
from sandbox.azure.acting.authorization import Authorization
from sandbox.azure.acting.evaluations import Evaluations
from sandbox.azure.acting.remediations import Remediations
from sandbox.azure.applications import Applications
from sandbox.azure.certificates import CertificateAuthority
from sandbox.azure.groups.documents import GroupDocuments
from sandbox.azure.groups.resources import Resources
from sandbox.azure.identity.directory import (
    SERVICE_PRINCIPAL,
    Directory,
)
from sandbox.azure.identity.readers import Readers
from sandbox.azure.logs_ingestion import LogsIngestion, Rule
from sandbox.azure.policy_assignments import PolicyAssignments
from sandbox.azure.policy_states import PolicyStates
from sandbox.azure.request_log import RequestLog
from sandbox.azure.resource_graph.provider import ResourceGraphProvider
from sandbox.azure.resource_manager import ResourceManager
from sandbox.azure.storage import STORAGE, Storage
from sandbox.azure.web import Server, ServerThread
from sandbox.clock import Clock
from sandbox.environment import AUDIT_RULE_ID, RULE_ID, WORKSPACE_ID, Place, is_plain, settings, sign_in_settings
from sandbox.faults.faults import Faults, spoiled
from sandbox.faults.operations import LogQuery
from sandbox.roles import (
    AUDIT_TABLE,
    MAY_INGEST,
    MAY_QUERY,
    MAY_WRITE_AUDIT_ROWS,
    READS_EVERY_TABLE,
    Role,
    app_identities,
)
from sandbox.services import Service
from sandbox.workspace.row_counter import RowCounter, RowSink
from sandbox.workspace.schema import read_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.workspace.workspace import Workspace


class Sandbox:
    """Entra ID, Resource Manager, Logs Ingestion, Log Analytics and storage on loopback, over TLS.

    A context manager; everything it starts ends with it. All of its parts can be used from any thread.

    Args:
        book: where it listens and what opens it; free ports and random secrets by default. PortTakenError when
            something else listens there.
        identity_storage: storage over TLS that takes bearer tokens; `environment` then names identity-based settings
            instead of a connection string.
        count_rows_only: uploaded rows are counted in `rows` and not kept: there is no `workspace` then.
        extra_host_names: further names that the servers' certificate is valid for.
    """

    def __init__(
        self,
        book: AddressBook | None = None,
        *,
        identity_storage: bool = False,
        count_rows_only: bool = False,
        extra_host_names: tuple[str, ...] = (),
    ) -> None:
        self.book = book or AddressBook()
        self.book.require_free_ports()  # before the files of a sandbox that already runs there are written over
        self.clock = Clock()
        self.requests = RequestLog()
        self.faults = Faults()
        self._stack = ExitStack()
        self._folder = self.book.folder or Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-"))
        )
        self._authority = CertificateAuthority(self._folder)
        self._certificate = self._authority.server_certificate(*extra_host_names)
        self.directory = Directory(self._folder, self.faults, self.book.client_secret)
        self.storage = Storage(
            self._certificate if identity_storage else None,
            self.faults,
            self.certificate_authority,
            self.directory.issuer,
        )
        self.entra_id = self.directory.entra_id
        self.arm = ResourceManager(self.directory.issuer, self.faults, self.clock)
        self.arm.tenant_id = SERVICE_PRINCIPAL.tenant_id
        Applications(self.arm)
        PolicyAssignments(self.arm)
        Resources(self.arm)
        GroupDocuments(self.arm)
        PolicyStates(self.arm)
        Authorization(self.arm)
        self.evaluations = Evaluations(self.arm)
        self.remediations = Remediations(self.arm)
        self.graph = ResourceGraphProvider(self.arm)
        tables = read_tables()
        self.rows = RowCounter()
        self._workspace: Workspace | None = None
        sink: RowSink = self.rows
        if not count_rows_only:
            from sandbox.workspace.workspace import Workspace  # noqa: PLC0415 - DuckDB is heavy, and counting does without it

            sink = self._workspace = Workspace(tables, self.clock)
        streams = {table.stream_name: name for name, table in tables.items()}
        of_audit = {tables[AUDIT_TABLE].stream_name: AUDIT_TABLE}
        self.rule = Rule(RULE_ID, streams, {AUDIT_TABLE: {"Writer": "worker"}})
        self.audit_rule = Rule(AUDIT_RULE_ID, of_audit, {AUDIT_TABLE: {"Writer": "api"}})
        self.ingestion = LogsIngestion(self.directory.issuer, self.faults, (self.rule, self.audit_rule), sink)
        self._thread = ServerThread()
        self._servers = {service: self._server(service) for service in Service}
        self._key_doors = {
            service: Server(service, self._thread, self.requests, None, self.book.port(name))
            for service, name in KEY_DOORS.items()
            if identity_storage and name in self.book.ports
        }
        self.readers = Readers(self.directory.issuer, READS_EVERY_TABLE, frozenset({AUDIT_TABLE}))
        self._add_routes()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(self._stack)
            if self._workspace is not None:
                starting.callback(self._workspace.close)
            starting.enter_context(self.storage.azurite)
            self._thread.start()
            starting.callback(self._thread.stop)
            for server in (*self._servers.values(), *self._key_doors.values()):
                server.start()
                starting.callback(server.close)
            self._stack = starting.pop_all()
        self.reset()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def certificate_authority(self) -> Path:
        """The PEM file that clients must trust (`SSL_CERT_FILE`)."""
        return self._authority.certificate_file

    @property
    def notification_signature(self) -> str:
        """What the webhook's address carries as ``sig``."""
        return self.book.notification_signature

    @property
    def workspace(self) -> Workspace:
        """The tables that uploaded rows land in; raises RuntimeError when rows are only counted."""
        if self._workspace is None:
            raise RuntimeError("this sandbox only counts rows")
        return self._workspace

    @property
    def environment(self) -> dict[str, str]:
        """Every setting that the product needs to run here in one process (role `local`): see `environment_with`."""
        return self.environment_with()

    def environment_of(self, role: str) -> dict[str, str]:
        """The settings of the app with this role ("front", "worker", "api", or "local" for all), and no others."""
        sign_in = sign_in_settings(self.directory, "secret")
        return settings(self._place(), Role(role), sign_in)

    def environment_with(self, sign_in: str = "secret", *, system_assigned: bool = False) -> dict[str, str]:
        """The settings of the role `local`.

        Args:
            sign_in: how the service principal proves who it is: "secret", "certificate", "protected certificate" or
                "federation".
            system_assigned: leaves out the client id of the user-assigned identity.
        """
        how = sign_in_settings(self.directory, sign_in)
        return settings(self._place(), Role.LOCAL, how, system_assigned=system_assigned)

    def _place(self) -> Place:
        return Place(
            urls={service: server.url for service, server in self._servers.items()},
            certificate_authority=self.certificate_authority,
            account=self.storage.number,
            identity_storage=self.storage.takes_tokens,
            book=self.book,
        )

    def url(self, service: Service) -> str:
        """The address of a service, without a slash at the end."""
        return self._servers[service].url

    def set_latency(self, service: Service, seconds: float) -> None:
        """From now on every answer of a service comes this much later."""
        self._servers[service].latency = seconds

    @contextmanager
    def offline(self, service: Service) -> Iterator[None]:
        """A service refuses connections, and those that are open are cut."""
        self._servers[service].stop()
        try:
            yield
        finally:
            self._servers[service].start()

    @contextmanager
    def untrusted(self, service: Service) -> Iterator[None]:
        """A service presents a certificate of an unknown authority: every TLS handshake fails."""
        stranger = CertificateAuthority(self._folder / "stranger", "Nobody knows this authority")
        self._servers[service].stop()
        self._servers[service].start(stranger.server_certificate())
        try:
            yield
        finally:
            self._servers[service].stop()
            self._servers[service].start()

    def reset(self) -> None:
        """Empties everything but storage: no customers, rows, faults or logged requests, and real time again."""
        self.faults.clear()
        self.clock.reset()
        self.arm.reset()
        self.graph.reset()
        self.evaluations.reset()
        self.remediations.reset()
        self.arm.audiences.add(self.url(Service.RESOURCE_MANAGER))
        self.arm.authorized_object_ids = {SERVICE_PRINCIPAL.object_id}
        self.rule.authorized_object_ids = set(MAY_INGEST)
        self.audit_rule.authorized_object_ids = set(MAY_WRITE_AUDIT_ROWS)
        self.readers.object_ids = set(MAY_QUERY)
        self.directory.reset()
        self.directory.managed_identity.apps = app_identities(self.book.identity_headers)
        self.directory.trust(self.arm.audiences)
        for server in self._servers.values():
            server.latency = 0.0
        if self._workspace is not None:
            self._workspace.clear()
        self.clear_counts()

    def clear_counts(self) -> None:
        """Forgets logged requests, issued tokens, accepted uploads and counted rows, and nothing else."""
        self.requests.clear()
        self.ingestion.clear()
        self.rows.clear()
        self.directory.entra_id.issued.clear()
        self.directory.managed_identity.issued.clear()

    def next_storage_account(self) -> None:
        """Moves on to storage accounts that nobody used; `environment` names them. Restarts Azurite after the last."""
        self.storage.next_accounts()

    def _server(self, service: Service) -> Server:
        plain = is_plain(service, identity_storage=self.storage.takes_tokens)
        certificate = None if plain else self._certificate
        return Server(service, self._thread, self.requests, certificate, self.book.port(service))

    def _add_routes(self) -> None:
        apps = {service: server.app for service, server in self._servers.items()}
        self.directory.entra_id.add_routes(apps[Service.ENTRA_ID])
        self.directory.managed_identity.add_routes(apps[Service.MANAGED_IDENTITY])
        self.arm.add_routes(apps[Service.RESOURCE_MANAGER])
        self.ingestion.add_routes(apps[Service.LOGS_INGESTION])
        for service in STORAGE:
            self.storage.add_routes(service, apps[service])
        for service, door in self._key_doors.items():
            self.storage.add_routes(service, door.app, by_key=True)
        if self._workspace is not None:
            from sandbox.workspace.log_analytics_api import LogAnalyticsApi  # noqa: PLC0415 - comes with DuckDB

            api = LogAnalyticsApi(
                self._workspace, WORKSPACE_ID, self.readers.access, self.clock, self.readers.hidden_from
            )
            api.add_routes(apps[Service.LOG_ANALYTICS])
            apps[Service.LOG_ANALYTICS].middlewares.append(spoiled(self.faults, LogQuery()))
