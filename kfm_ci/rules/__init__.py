"""The static rules: one rule per file, one line per rule."""

from __future__ import annotations

from kfm_ci.rules.compatibility.column_dropped import ColumnDropped
from kfm_ci.rules.compatibility.column_renamed import ColumnRenamed
from kfm_ci.rules.compatibility.dropped_object_in_use import DroppedObjectInUse
from kfm_ci.rules.compatibility.expand_and_contract_combined import ExpandAndContractCombined
from kfm_ci.rules.compatibility.json_column import JsonColumn
from kfm_ci.rules.compatibility.table_dropped import TableDropped
from kfm_ci.rules.compatibility.table_renamed import TableRenamed
from kfm_ci.rules.compatibility.table_truncated import TableTruncated
from kfm_ci.rules.content.binary import Binary
from kfm_ci.rules.content.connection_string import ConnectionString
from kfm_ci.rules.content.dump import Dump
from kfm_ci.rules.content.executable import Executable
from kfm_ci.rules.content.invisible_character import InvisibleCharacter
from kfm_ci.rules.content.oversized_file import OversizedFile
from kfm_ci.rules.content.personal_data import PersonalData
from kfm_ci.rules.content.secret import Secret
from kfm_ci.rules.data.delete_without_where import DeleteWithoutWhere
from kfm_ci.rules.data.schema_and_data_mixed import SchemaAndDataMixed
from kfm_ci.rules.data.unbatched_backfill import UnbatchedBackfill
from kfm_ci.rules.data.update_without_where import UpdateWithoutWhere
from kfm_ci.rules.data.volatile_value import VolatileValue
from kfm_ci.rules.files.applied_migration_changed import AppliedMigrationChanged
from kfm_ci.rules.files.duplicate_version import DuplicateVersion
from kfm_ci.rules.files.manifest_stale import ManifestStale
from kfm_ci.rules.files.out_of_order import OutOfOrder
from kfm_ci.rules.files.stray_file import StrayFile
from kfm_ci.rules.files.unreadable_name import UnreadableName
from kfm_ci.rules.header.header_dialect import HeaderDialect
from kfm_ci.rules.header.header_id import HeaderId
from kfm_ci.rules.header.header_keys import HeaderKeys
from kfm_ci.rules.header.header_missing import HeaderMissing
from kfm_ci.rules.header.header_placeholder import HeaderPlaceholder
from kfm_ci.rules.header.header_transaction import HeaderTransaction
from kfm_ci.rules.header.header_values import HeaderValues
from kfm_ci.rules.header.phase_mismatch import PhaseMismatch
from kfm_ci.rules.header.rollback_missing import RollbackMissing
from kfm_ci.rules.header.traceability import Traceability
from kfm_ci.rules.locks.attach_partition_scans import AttachPartitionScans
from kfm_ci.rules.locks.column_check_scans import ColumnCheckScans
from kfm_ci.rules.locks.concurrent_index_if_not_exists import ConcurrentIndexIfNotExists
from kfm_ci.rules.locks.constrained_domain_column import ConstrainedDomainColumn
from kfm_ci.rules.locks.domain_constraint_scans import DomainConstraintScans
from kfm_ci.rules.locks.explicit_lock import ExplicitLock
from kfm_ci.rules.locks.generated_column_added import GeneratedColumnAdded
from kfm_ci.rules.locks.index_not_concurrent import IndexNotConcurrent
from kfm_ci.rules.locks.partition_created_in_place import PartitionCreatedInPlace
from kfm_ci.rules.locks.refresh_not_concurrent import RefreshNotConcurrent
from kfm_ci.rules.locks.storage_rewrite import StorageRewrite
from kfm_ci.rules.locks.vacuum_full_or_cluster import VacuumFullOrCluster
from kfm_ci.rules.parsing.dynamic_sql import DynamicSql
from kfm_ci.rules.parsing.psql_meta_command import PsqlMetaCommand
from kfm_ci.rules.parsing.statement_not_parsed import StatementNotParsed
from kfm_ci.rules.parsing.unresolved_placeholder import UnresolvedPlaceholder
from kfm_ci.rules.privileges.granted_to_public import GrantedToPublic
from kfm_ci.rules.privileges.outside_database import OutsideDatabase
from kfm_ci.rules.privileges.role_switched import RoleSwitched
from kfm_ci.rules.privileges.security_definer_search_path import SecurityDefinerSearchPath
from kfm_ci.rules.privileges.server_file import ServerFile
from kfm_ci.rules.privileges.server_settings import ServerSettings
from kfm_ci.rules.privileges.untrusted_language import UntrustedLanguage
from kfm_ci.rules.rule import Rule
from kfm_ci.rules.suppression.malformed_acknowledgement import MalformedAcknowledgement
from kfm_ci.rules.suppression.other_tool_ignore_comment import OtherToolIgnoreComment
from kfm_ci.rules.suppression.unused_acknowledgement import UnusedAcknowledgement
from kfm_ci.rules.transactions.enum_value_used_in_same_transaction import EnumValueUsedInSameTransaction
from kfm_ci.rules.transactions.history_row_not_atomic import HistoryRowNotAtomic
from kfm_ci.rules.transactions.non_transactional_mixed import NonTransactionalMixed
from kfm_ci.rules.transactions.non_transactional_tool import NonTransactionalTool
from kfm_ci.rules.transactions.session_setting_leaks import SessionSettingLeaks
from kfm_ci.rules.transactions.set_local_without_transaction import SetLocalWithoutTransaction
from kfm_ci.rules.transactions.statements_rolled_back import StatementsRolledBack
from kfm_ci.rules.transactions.transaction_control import TransactionControl

FILE_RULES: tuple[Rule, ...] = (
    # Files and headers.
    UnreadableName(),
    OutOfOrder(),
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
    # Forbidden content, suppressions.
    Secret(),
    ConnectionString(),
    PersonalData(),
    Dump(),
    Binary(),
    Executable(),
    InvisibleCharacter(),
    OversizedFile(),
    StrayFile(),
    OtherToolIgnoreComment(),
    MalformedAcknowledgement(),
    UnusedAcknowledgement(),
)
STATEMENT_RULES: tuple[Rule, ...] = (
    StatementNotParsed(),
    UnresolvedPlaceholder(),
    PsqlMetaCommand(),
    DynamicSql(),
    TransactionControl(),
    StatementsRolledBack(),
    NonTransactionalTool(),
    HistoryRowNotAtomic(),
    NonTransactionalMixed(),
    EnumValueUsedInSameTransaction(),
    SchemaAndDataMixed(),
    UpdateWithoutWhere(),
    DeleteWithoutWhere(),
    UnbatchedBackfill(),
    VolatileValue(),
    IndexNotConcurrent(),
    ConcurrentIndexIfNotExists(),
    VacuumFullOrCluster(),
    StorageRewrite(),
    GeneratedColumnAdded(),
    ConstrainedDomainColumn(),
    ColumnCheckScans(),
    DomainConstraintScans(),
    AttachPartitionScans(),
    PartitionCreatedInPlace(),
    RefreshNotConcurrent(),
    ExplicitLock(),
    JsonColumn(),
    ServerFile(),
    ServerSettings(),
    RoleSwitched(),
    UntrustedLanguage(),
    OutsideDatabase(),
    GrantedToPublic(),
    SecurityDefinerSearchPath(),
    SessionSettingLeaks(),
    SetLocalWithoutTransaction(),
    TableDropped(),
    ColumnDropped(),
    TableRenamed(),
    ColumnRenamed(),
    TableTruncated(),
    DroppedObjectInUse(),
    ExpandAndContractCombined(),
    PhaseMismatch(),
)
"""Rules on statements of SQL."""
ALL = (*FILE_RULES, *STATEMENT_RULES)
"""All static rules, in the order in which findings are reported."""
