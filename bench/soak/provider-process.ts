import { join } from 'node:path';
import { Hono } from 'hono';
import { z } from 'zod';
import { providerKinds } from '../../lib/providers/config.ts';
import { serveOnLoopback } from '../../local/loopback-server.ts';
import { faultSchema } from '../../simulators/faults.ts';
import { startSimulator } from '../../simulators/simulators.ts';

// A simulator of every kind, to be killed with all of them; forked by the soak with its settings as the one argument. The
// soak asks and steers them at `steeringUrl`.

const settingsSchema = z.object({
  dataDir: z.string(),
  /** Of an earlier run; empty for the first one. */
  ports: z.record(z.string(), z.number()),
});
const faultsSchema = z.partialRecord(z.enum(providerKinds), z.array(faultSchema));

process.on('disconnect', () => process.exit(1)); // the soak has died

const settings = settingsSchema.parse(JSON.parse(process.argv[2] ?? '{}'));
const simulators = await Promise.all(
  providerKinds.map(async (kind) => {
    const place = { dataDir: join(settings.dataDir, kind), port: settings.ports[kind] ?? 0 };
    return { kind, simulator: await startSimulator[kind]({ ...place, minRecords: 1, outputFiles: 3 }) };
  }),
);

const app = new Hono();
app.get('/creations', async (context) =>
  context.json((await Promise.all(simulators.map(({ simulator }) => simulator.creations()))).flat()),
);
app.get('/open', async (context) =>
  context.json((await Promise.all(simulators.map(({ simulator }) => simulator.openBatches()))).flat()),
);
app.put('/faults', async (context) => {
  const faults = faultsSchema.parse(await context.req.json());
  for (const { kind, simulator } of simulators) simulator.setFaults(faults[kind] ?? []);
  return context.body(null, 204);
});
const steering = await serveOnLoopback(app, 0);

process.send?.({
  steeringUrl: steering.url,
  urls: Object.fromEntries(simulators.map(({ kind, simulator }) => [kind, simulator.url])),
});
