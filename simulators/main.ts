import { renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startAnthropicSimulator, startOpenAISimulator } from './simulators.ts';

// Runs both simulators as a process of their own:
// node simulators/main.ts --data-dir D [--openai-port P] [--anthropic-port P] [--ready-file F]
//   [--validating-ms N] [--in-progress-ms N] [--finalizing-ms N]

const usage = 'usage: main.ts --data-dir D [--openai-port P] [--anthropic-port P] [--ready-file F]';

const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    'openai-port': { type: 'string', default: '0' },
    'anthropic-port': { type: 'string', default: '0' },
    'ready-file': { type: 'string' },
    'validating-ms': { type: 'string' },
    'in-progress-ms': { type: 'string' },
    'finalizing-ms': { type: 'string' },
  },
});

const dataDir = values['data-dir'];
if (dataDir === undefined) {
  console.error(usage);
  process.exit(2);
}

const timing = {
  ...millisecondsOf('validatingMs', values['validating-ms']),
  ...millisecondsOf('inProgressMs', values['in-progress-ms']),
  ...millisecondsOf('finalizingMs', values['finalizing-ms']),
};
const openai = await startOpenAISimulator({ dataDir, port: Number(values['openai-port']), timing });
const anthropic = await startAnthropicSimulator({ dataDir, port: Number(values['anthropic-port']), timing });

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await Promise.all([openai.close(), anthropic.close()]);
    process.exit(0);
  });
}

const ready = JSON.stringify({ openaiUrl: openai.url, anthropicUrl: anthropic.url, pid: process.pid });
if (values['ready-file'] !== undefined) writeWhole(values['ready-file'], ready);
console.log(ready);

/** An option that is not given leaves the default. */
function millisecondsOf(name: string, value: string | undefined): Record<string, number> {
  return value === undefined ? {} : { [name]: Number(value) };
}

/** A reader who waits for the file must never see half of it. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}
