import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

/**
 * Tests that wait for a whole stack. On a shared CI machine they miss a deadline now and then, so CI tries them again; the report
 * names those that it tried again. None of them may draw a seed: test/repository/retried-tests.test.ts.
 */
export const wholeStackTests = [
  'test/stack/{cost,many-drops}.test.ts',
  'test/local/runtime*.test.ts',
  'test/api/local-stack.test.ts',
  'test/cli/{demo,start}*.test.ts',
  'test/{client/deployment,console/*}.test.ts',
];

/** Tests that take long for what a change mostly breaks, and run by `npm run test:long`. */
export const longTests = [
  'test/stack/{kill,soak}.test.ts',
  'test/simulators/large-inputs.test.ts',
  'test/client/memory.test.ts',
  'test/api/large-message-batches.test.ts',
  'test/pipeline/many-live-calls.test.ts',
  'test/package/install.test.ts',
];

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    // Tests wait for more than half of their time.
    maxWorkers: Math.max(4, availableParallelism()),
    globalSetup: ['test/policies/global-setup.ts'],
    setupFiles: ['test/repeated-seed.ts', 'test/policies/each-test.ts'],
    // Clouds' SDKs look for the machine's own credentials; tests ask nobody outside.
    env: {
      METADATA_SERVER_DETECTION: 'none',
      AWS_EC2_METADATA_DISABLED: 'true',
      // Commands that tests run as processes start from modules that are compiled already.
      NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled'),
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'once',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...wholeStackTests, ...longTests],
          retry: 0,
        },
      },
      {
        extends: true,
        test: { name: 'whole-stack', include: wholeStackTests, retry: process.env.CI ? 2 : 0 },
      },
    ],
  },
});
