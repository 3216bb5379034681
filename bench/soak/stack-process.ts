import { z } from 'zod';
import { providerKinds } from '../../lib/providers/config.ts';
import { loadFunction } from '../../local/local-functions.ts';
import { startLocalStack } from '../../local/runtime.ts';
import { SeededRandom } from '../../simulators/seeded-random.ts';
import { faultRatesSchema, noFaults } from './fault-rates.ts';
import { unreliable } from './unreliable-function.ts';

// A local stack to be killed, forked by the soak with its settings as the one argument. Its functions see AWS through
// the soak's proxies and fail at the rates of the moment.

const settingsSchema = z.object({
  dataDir: z.string(),
  configFile: z.string(),
  seed: z.number(),
  /** How far the clock of this process is ahead of the others'. */
  clockAheadMs: z.number(),
  simulators: z.record(z.enum(providerKinds), z.string()),
  /** What the functions take for AWS. */
  proxies: z.object({ s3: z.string(), dynamodb: z.string(), services: z.string() }),
});

const settings = settingsSchema.parse(JSON.parse(process.argv[2] ?? '{}'));
const random = new SeededRandom(settings.seed);
const clock = Date.now;
Date.now = () => clock() + settings.clockAheadMs;
let rates = noFaults;
process.on('message', (message) => {
  rates = faultRatesSchema.parse(message);
});
process.on('disconnect', () => process.exit(1)); // the soak has died

const stack = await startLocalStack({
  dataDir: settings.dataDir,
  configFile: settings.configFile,
  simulators: settings.simulators,
  simulateAll: true,
  loadFunction: async (name) =>
    unreliable(name, await loadFunction(name), {
      random,
      rates: () => rates,
      tell: (trouble) => send({ trouble }),
    }),
});
process.env.AWS_ENDPOINT_URL_S3 = settings.proxies.s3;
process.env.AWS_ENDPOINT_URL_DYNAMODB = settings.proxies.dynamodb;
process.env.AWS_ENDPOINT_URL_SFN = settings.proxies.services;
process.env.AWS_ENDPOINT_URL_EVENTBRIDGE = settings.proxies.services;
send({ endpoints: stack.endpoints });

function send(message: object): void {
  process.send?.(message);
}
