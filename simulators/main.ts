import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { simulatorKinds } from './simulator.ts';
import { startSimulator } from './simulators.ts';

// Runs simulators as a process of their own, each of them in a folder and on a port of its own:
// node simulators/main.ts --data-dir D [--kinds openai,anthropic,...] [--ports openai=P,...] [--ready-file F]
//   [--validating-ms N] [--in-progress-ms N] [--finalizing-ms N] [--min-records N] [--output-files N]
// Says where they are on standard output, in the ready file, and to the process that forked it, with which it ends.

const usage = 'usage: main.ts --data-dir D [--kinds openai,anthropic,...] [--ports openai=P,...] [--ready-file F]';

const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    kinds: { type: 'string', default: 'openai,anthropic' },
    ports: { type: 'string', default: '' },
    'ready-file': { type: 'string' },
    'validating-ms': { type: 'string' },
    'in-progress-ms': { type: 'string' },
    'finalizing-ms': { type: 'string' },
    'min-records': { type: 'string' },
    'output-files': { type: 'string' },
  },
});

const dataDir = values['data-dir'];
const kinds = z.array(z.enum(simulatorKinds)).safeParse(values.kinds.split(','));
if (dataDir === undefined || !kinds.success) {
  console.error(usage);
  console.error(`kinds: ${simulatorKinds.join(', ')}`);
  process.exit(2);
}

const ports = new Map(
  values.ports.split(',').map((port): [string, number] => {
    const [kind = '', number = '0'] = port.split('=');
    return [kind, Number(number)];
  }),
);
const options = {
  timing: {
    ...numberOf('validatingMs', values['validating-ms']),
    ...numberOf('inProgressMs', values['in-progress-ms']),
    ...numberOf('finalizingMs', values['finalizing-ms']),
  },
  ...numberOf('minRecords', values['min-records']),
  ...numberOf('outputFiles', values['output-files']),
};
const simulators = await Promise.all(
  kinds.data.map(async (kind) => {
    const place = { dataDir: join(dataDir, kind), port: ports.get(kind) ?? 0 };
    return { kind, simulator: await startSimulator[kind]({ ...options, ...place }) };
  }),
);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await Promise.all(simulators.map(({ simulator }) => simulator.close()));
    process.exit(0);
  });
}
process.once('disconnect', () => process.exit(1));

const urls = Object.fromEntries(simulators.map(({ kind, simulator }) => [kind, simulator.url]));
const ready = { urls, pid: process.pid };
if (values['ready-file'] !== undefined) writeWhole(values['ready-file'], JSON.stringify(ready));
console.log(JSON.stringify(ready));
process.send?.(ready);

/** An option that is not given leaves the default. */
function numberOf(name: string, value: string | undefined): Record<string, number> {
  return value === undefined ? {} : { [name]: Number(value) };
}

/** A reader who waits for the file must never see half of it. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}
