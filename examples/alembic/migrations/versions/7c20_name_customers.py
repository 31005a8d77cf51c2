"""add a name"""

import sqlalchemy as sa
from alembic import op

revision = "7c20"
down_revision = "4a1f"


def upgrade() -> None:
    op.execute("set local lock_timeout = '2s'")
    op.add_column("customers", sa.Column("name", sa.Text))


def downgrade() -> None:
    op.execute("set local lock_timeout = '2s'")
    op.drop_column("customers", "name")
