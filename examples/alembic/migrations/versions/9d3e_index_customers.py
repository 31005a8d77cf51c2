"""index the name without stopping writers"""

from alembic import op

revision = "9d3e"
down_revision = "7c20"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("customers_name_idx", "customers", ["name"], postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("customers_name_idx", postgresql_concurrently=True)
