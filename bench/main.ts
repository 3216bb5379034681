import { parseArgs } from 'node:util';

/** What every bench is told, whether it has use for it or not. */
interface BenchOptions {
  json: boolean;
  lines: number;
  bytesPerLine: number;
}

/** `npm run bench -- <name> [--json] [--lines N] [--bytes-per-line M]`: measurements that go into the docs. Each loads only what it measures. */
const benches: Record<string, () => Promise<(options: BenchOptions) => void | Promise<void>>> = {
  api: async () => (await import('./api.ts')).run,
  bundles: async () => (await import('./bundles.ts')).benchBundles,
  prepare: async () => (await import('./prepare.ts')).run,
  submit: async () => (await import('./submit.ts')).run,
  merge: async () => (await import('./merge.ts')).run,
  unique: async () => (await import('./unique.ts')).run,
  pipeline: async () => (await import('./pipeline.ts')).run,
  collect: async () => (await import('./collect.ts')).run,
  translate: async () => (await import('./translate.ts')).run,
  live: async () => (await import('./live.ts')).run,
  serve: async () => (await import('./serve.ts')).run,
  console: async () => (await import('./console.ts')).run,
  table: async () => (await import('./table.ts')).run,
  drops: async () => (await import('./drops.ts')).run,
};
const usualLines = 200_000;
/** Lines where `--lines` does not say, for benches that take long for each. */
const fewerLines: Record<string, number> = { live: 5_000 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    lines: { type: 'string' },
    'bytes-per-line': { type: 'string', default: '1070' },
  },
});
const [name = ''] = positionals;
const load = Object.hasOwn(benches, name) ? benches[name] : undefined;
if (load)
  await (await load())({
    json: values.json,
    lines: Number(values.lines ?? fewerLines[name] ?? usualLines),
    bytesPerLine: Number(values['bytes-per-line']),
  });
else {
  process.stderr.write(`There is no bench '${name}'. There are: ${Object.keys(benches).join(', ')}.\n`);
  process.exitCode = 1;
}
