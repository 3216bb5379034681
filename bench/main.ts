import { benchBundles } from './bundles.ts';

/** `npm run bench -- <name> [--json]`: measurements that go into the docs. */
const benches: Record<string, (options: { json: boolean }) => void | Promise<void>> = {
  bundles: benchBundles,
};

const [name = '', ...flags] = process.argv.slice(2);
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
if (bench) await bench({ json: flags.includes('--json') });
else {
  process.stderr.write(`There is no bench '${name}'. There are: ${Object.keys(benches).join(', ')}.\n`);
  process.exitCode = 1;
}
