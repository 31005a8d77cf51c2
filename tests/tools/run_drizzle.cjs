// Runs drizzle-orm's own migrator: node run_drizzle.cjs URL FOLDER
const { drizzle } = require("drizzle-orm/node-postgres");
const { migrate } = require("drizzle-orm/node-postgres/migrator");
const { Pool } = require("pg");
const pool = new Pool({ connectionString: process.argv[2] });
migrate(drizzle(pool), { migrationsFolder: process.argv[3] }).then(
  () => pool.end(),
  (error) => { console.error(String(error.cause || error)); process.exit(1); },
);
