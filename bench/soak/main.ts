import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { summaryOf } from './report.ts';
import { soak } from './soak.ts';

// npm run soak -- --minutes N --seed S [--no-hostile] [--verbose] [--keep]

const usage = 'usage: npm run soak -- [--minutes N] [--seed S] [--no-hostile] [--verbose] [--keep]';
const minuteMs = 60_000;
/** After the trouble: batches may take this long by their own deadlines, and then some more to be closed. */
const slackMs = 90_000;
const closingMs = 1_200_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    hostile: { type: 'boolean', default: true },
    verbose: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
  allowNegative: true,
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  console.error(usage);
  process.exit(2);
}

const folder = await mkdtemp(join(tmpdir(), 'batchdrop-soak-'));
console.log(`Soak of ${minutes} min with seed ${seed} in ${folder}`);
const result = await soak({
  seed,
  chaosMs: minutes * minuteMs,
  slackMs,
  dropEverySeconds: 2.5,
  hasLargeDrops: true,
  hasHostileProviders: values.hostile,
  endsWithRestart: seed % 2 === 0,
  settleMs: slackMs + closingMs,
  folder,
  say: values.verbose ? console.log : () => undefined,
});
console.log(summaryOf(result));
for (const { about, problem } of result.violations) console.log(`VIOLATION ${about}: ${problem}`);
const isClean = result.violations.length === 0;
if (!isClean)
  console.log(
    `To look at: ${folder}. To repeat: npm run soak -- --minutes ${minutes} --seed ${seed}${values.hostile ? '' : ' --no-hostile'}`,
  );
else if (!values.keep) await rm(folder, { recursive: true, force: true });
process.exit(isClean ? 0 : 1);
