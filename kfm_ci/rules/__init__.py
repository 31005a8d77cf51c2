"""What is wrong on paper: one rule a file, one line a rule."""

from __future__ import annotations

from kfm_ci.rules.attach_partition import AttachPartition
from kfm_ci.rules.autocommit_company import AutocommitCompany
from kfm_ci.rules.bare_tool import BareTool
from kfm_ci.rules.base import Rule
from kfm_ci.rules.binaries import Binary
from kfm_ci.rules.changing_value import ChangingValue
from kfm_ci.rules.column_check import ColumnCheck
from kfm_ci.rules.column_dropped import ColumnDropped
from kfm_ci.rules.column_renamed import ColumnRenamed
from kfm_ci.rules.connection_strings import ConnectionString
from kfm_ci.rules.delete_without_where import DeleteWithoutWhere
from kfm_ci.rules.domain_column import DomainColumn
from kfm_ci.rules.domain_constraint import DomainConstraint
from kfm_ci.rules.dumps import Dump
from kfm_ci.rules.duplicate_version import DuplicateVersion
from kfm_ci.rules.dynamic_sql import DynamicSql
from kfm_ci.rules.enum_value_used import EnumValueUsed
from kfm_ci.rules.executables import Executable
from kfm_ci.rules.expand_and_contract import ExpandAndContract
from kfm_ci.rules.explicit_lock import ExplicitLock
from kfm_ci.rules.foreign_ignores import ForeignIgnoreComment
from kfm_ci.rules.generated_key import GeneratedKey
from kfm_ci.rules.header_dialect import HeaderDialect
from kfm_ci.rules.header_id import HeaderId
from kfm_ci.rules.header_keys import HeaderKeys
from kfm_ci.rules.header_missing import HeaderMissing
from kfm_ci.rules.header_placeholder import HeaderPlaceholder
from kfm_ci.rules.header_transaction import HeaderTransaction
from kfm_ci.rules.header_values import HeaderValues
from kfm_ci.rules.immutability import AppliedMigrationChanged
from kfm_ci.rules.index_if_not_exists import IndexIfNotExists
from kfm_ci.rules.index_not_concurrent import IndexNotConcurrent
from kfm_ci.rules.json_column import JsonColumn
from kfm_ci.rules.late_record import LateRecord
from kfm_ci.rules.local_setting import LocalSetting
from kfm_ci.rules.malformed_acknowledgement import MalformedAcknowledgement
from kfm_ci.rules.manifest_stale import ManifestStale
from kfm_ci.rules.names import UnreadableName
from kfm_ci.rules.not_parsed import NotParsed
from kfm_ci.rules.order import SortsBeforeBase
from kfm_ci.rules.outside_database import OutsideDatabase
from kfm_ci.rules.oversized import Oversized
from kfm_ci.rules.partition_of import PartitionOf
from kfm_ci.rules.personal_data import PersonalData
from kfm_ci.rules.phase_mismatch import PhaseMismatch
from kfm_ci.rules.psql_meta_command import PsqlMetaCommand
from kfm_ci.rules.public_grant import PublicGrant
from kfm_ci.rules.refresh_not_concurrent import RefreshNotConcurrent
from kfm_ci.rules.removed_in_use import RemovedInUse
from kfm_ci.rules.role_switched import RoleSwitched
from kfm_ci.rules.rollback_missing import RollbackMissing
from kfm_ci.rules.schema_and_data import SchemaAndData
from kfm_ci.rules.secrets import Secret
from kfm_ci.rules.security_definer import SecurityDefiner
from kfm_ci.rules.server_file import ServerFile
from kfm_ci.rules.server_settings import ServerSettings
from kfm_ci.rules.session_setting import SessionSetting
from kfm_ci.rules.storage_rewrite import StorageRewrite
from kfm_ci.rules.stray_files import StrayFile
from kfm_ci.rules.table_dropped import TableDropped
from kfm_ci.rules.table_renamed import TableRenamed
from kfm_ci.rules.table_rewritten import TableRewritten
from kfm_ci.rules.table_truncated import TableTruncated
from kfm_ci.rules.traceability import Traceability
from kfm_ci.rules.transaction_control import TransactionControl
from kfm_ci.rules.unbatched_backfill import UnbatchedBackfill
from kfm_ci.rules.unfilled_placeholder import UnfilledPlaceholder
from kfm_ci.rules.untrusted_language import UntrustedLanguage
from kfm_ci.rules.unused_acknowledgement import UnusedAcknowledgement
from kfm_ci.rules.update_without_where import UpdateWithoutWhere

ALL: tuple[Rule, ...] = (
    # The change as a governed artifact.
    UnreadableName(),
    SortsBeforeBase(),
    DuplicateVersion(),
    AppliedMigrationChanged(),
    HeaderMissing(),
    HeaderKeys(),
    HeaderValues(),
    HeaderId(),
    HeaderPlaceholder(),
    HeaderDialect(),
    HeaderTransaction(),
    RollbackMissing(),
    Traceability(),
    ManifestStale(),
    # Content that has no place in a migration.
    Secret(),
    ConnectionString(),
    PersonalData(),
    Dump(),
    Binary(),
    Executable(),
    Oversized(),
    StrayFile(),
    ForeignIgnoreComment(),
    MalformedAcknowledgement(),
    UnusedAcknowledgement(),
    # Statements of SQL.
    NotParsed(),
    UnfilledPlaceholder(),
    PsqlMetaCommand(),
    DynamicSql(),
    TransactionControl(),
    BareTool(),
    LateRecord(),
    AutocommitCompany(),
    EnumValueUsed(),
    SchemaAndData(),
    UpdateWithoutWhere(),
    DeleteWithoutWhere(),
    UnbatchedBackfill(),
    ChangingValue(),
    IndexNotConcurrent(),
    IndexIfNotExists(),
    TableRewritten(),
    StorageRewrite(),
    GeneratedKey(),
    DomainColumn(),
    ColumnCheck(),
    DomainConstraint(),
    AttachPartition(),
    PartitionOf(),
    RefreshNotConcurrent(),
    ExplicitLock(),
    JsonColumn(),
    ServerFile(),
    ServerSettings(),
    RoleSwitched(),
    UntrustedLanguage(),
    OutsideDatabase(),
    PublicGrant(),
    SecurityDefiner(),
    SessionSetting(),
    LocalSetting(),
    TableDropped(),
    ColumnDropped(),
    TableRenamed(),
    ColumnRenamed(),
    TableTruncated(),
    RemovedInUse(),
    ExpandAndContract(),
    PhaseMismatch(),
)
"""Every rule, in the order in which findings are told."""
