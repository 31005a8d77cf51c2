// Lets Prisma 6 run migrations through node-postgres, without the engine that it would download.
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";

const describe = (pg.Query.prototype as any).handleRowDescription;
(pg.Query.prototype as any).handleRowDescription = function (message: any) {
  for (const field of message.fields) if (field.dataTypeID === 19) field.dataTypeID = 25;
  return describe.call(this, message);
};
const later = globalThis.setTimeout;
(globalThis as any).setTimeout = (work: any, time: number, ...rest: any[]) => {
  const timer = later(work, time, ...rest);
  if (time >= 10000) timer.unref();
  return timer;
};
export default {
  experimental: { adapter: true },
  engine: "js",
  schema: "prisma/schema.prisma",
  adapter: async () => {
    const factory = new PrismaPg({ connectionString: process.env.DATABASE_URL, idleTimeoutMillis: 50 });
    const connect = factory.connect.bind(factory);
    (factory as any).connect = async () => {
      const adapter = await connect();
      (adapter as any).executeScript = async (text: string) => { await (adapter as any).client.query(text); };
      return adapter;
    };
    return factory;
  },
};
