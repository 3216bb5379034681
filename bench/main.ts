/** `npm run bench -- <name> [--json]`: measurements that go into the docs. Each loads only what it measures. */
const benches: Record<string, () => Promise<(options: { json: boolean }) => void | Promise<void>>> = {
  api: async () => (await import('./api.ts')).run,
  bundles: async () => (await import('./bundles.ts')).benchBundles,
};

const [name = '', ...flags] = process.argv.slice(2);
const load = Object.hasOwn(benches, name) ? benches[name] : undefined;
if (load) await (await load())({ json: flags.includes('--json') });
else {
  process.stderr.write(`There is no bench '${name}'. There are: ${Object.keys(benches).join(', ')}.\n`);
  process.exitCode = 1;
}
