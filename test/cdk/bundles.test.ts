import { expect, it } from 'vitest';
import { measureBundles } from '../../bench/bundles.ts';
import { bundleFunctions, functionNames } from '../../cdk/bundles.ts';

/** Lambda takes 250 MB; a cold start takes less kindly to it. The largest has 2.6 MB now. */
const maxBundleBytes = 3_500_000;

it('every function loads alone under Node 24, exports its handler and stays small', () => {
  const measured = measureBundles(1);
  expect(measured.map(({ name }) => name)).toEqual(functionNames);
  for (const { name, bytes } of measured) expect(bytes, name).toBeLessThan(maxBundleBytes);
});

it('nothing is left outside but Node itself', () => {
  for (const [name, { metafile }] of bundleFunctions()) {
    const outside = metafile.imports.filter(({ external }) => external).map(({ path }) => path);
    for (const path of outside) expect(path, name).toMatch(/^(node:)?[a-z_0-9]+(\/[a-z]+)*$/);
  }
});
