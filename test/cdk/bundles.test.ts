import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { measureBundles } from '../../bench/bundles.ts';
import { type Bundle, bundleFunction, loadedWith } from '../../cdk/bundles.ts';
import { bundleFile, functionNames } from '../../cdk/packages.ts';
import { providerKinds } from '../../lib/providers/config.ts';

/** Lambda takes 250 MB; a cold start takes less kindly to it. */
const maxPackageBytes = 12_000_000;
/** What a cold start reads; the largest has 1.7 MB now. */
const maxStartBytes = 2_500_000;

const bundles = new Map(functionNames.map((name) => [name, bundleFunction(name)]));

it('every function loads alone under Node 24, exports its handler and stays small', () => {
  const measured = measureBundles(1, (name) => bundles.get(name) ?? bundleFunction(name));
  expect(measured.map(({ name }) => name)).toEqual(functionNames);
  for (const { name, bytes, startBytes } of measured) {
    expect(bytes, name).toBeLessThan(maxPackageBytes);
    expect(startBytes, name).toBeLessThan(maxStartBytes);
  }
  const clients = measured.find(({ name }) => name === 'submit')?.providers.map((provider) => provider.kind);
  for (const kind of providerKinds) expect(clients).toContain(folderOfClient(kind));
});

/** Those of OpenAI's family have no client of their own. */
function folderOfClient(kind: string): string {
  return existsSync(`lib/providers/${kind}/client.ts`) ? kind : 'openai-family';
}

it('the API alone has the console, in both encodings', () => {
  const withFolders = [...bundles].filter(([, { assets }]) => assets.size > 0).map(([name]) => name);
  expect(withFolders).toEqual(['api']);
  const names = [...(bundles.get('api')?.assets.get('console')?.keys() ?? [])];
  expect(names).toEqual(expect.arrayContaining(['index.html.br', 'index.html.gz']));
  expect(names).toHaveLength(6);
});

/** Asked for in a try by a package of @azure/identity, which does without. */
const doneWithout = ['supports-color'];

describe.each([...bundles])('%s', (name, bundle) => {
  it('leaves nothing outside but Node itself', () => {
    const imports = Object.values(bundle.outputs).flatMap((output) => output.imports);
    const outside = imports.filter(({ external }) => external).map(({ path }) => path);
    expect(outside.length).toBeGreaterThan(0);
    for (const path of outside.filter((each) => !doneWithout.includes(each)))
      expect(path).toMatch(/^(node:)?[a-z_0-9]+(\/[a-z]+)*$/);
    expect(Object.keys(bundle.outputs).toSorted()).toEqual([...bundle.files.keys()].toSorted());
  });

  it("reads no provider's SDK at its start", () => {
    const modules = [...loadedWith(bundleFile, bundle)].flatMap((file) =>
      Object.keys(bundle.outputs[file]?.inputs ?? {}),
    );
    expect(modules).toContain(`lambdas/${name}.ts`);
    expect(modules.filter((module) => /\/client\.ts$/.test(module))).toEqual([]);
    expect(modules.filter((module) => providerPackages.some((folder) => module.startsWith(folder)))).toEqual([]);
  });
});

/** A schema transform of Anthropic's is read early: it is a page long and needs nothing. */
const providerPackages = [
  'node_modules/openai/client',
  'node_modules/@anthropic-ai/sdk/client',
  'node_modules/@aws-sdk/client-bedrock',
  'node_modules/@azure/',
  'node_modules/@google/',
  'node_modules/@mistralai/',
  'node_modules/google-auth-library/',
];

it('the same source gives the same names and bytes', () => {
  expect(digest(bundleFunction('submit'))).toBe(digest(bundles.get('submit')));
});

function digest(bundle: Bundle | undefined): string {
  const hash = createHash('sha256');
  for (const [name, code] of [...(bundle?.files ?? [])].toSorted()) hash.update(name).update(code);
  return hash.digest('hex');
}
