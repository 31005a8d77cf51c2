exports.up = (knex) =>
  knex.schema.createTable("customers", (table) => {
    table.bigIncrements("id");
    table.text("email").notNullable().unique();
  });

exports.down = (knex) => knex.schema.dropTable("customers");
