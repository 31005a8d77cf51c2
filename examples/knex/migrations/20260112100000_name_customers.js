exports.up = async (knex) => {
  await knex.raw("set local lock_timeout = '2s'");
  await knex.schema.alterTable("customers", (table) => {
    table.text("name");
  });
};

exports.down = async (knex) => {
  await knex.raw("set local lock_timeout = '2s'");
  await knex.schema.alterTable("customers", (table) => {
    table.dropColumn("name");
  });
};
