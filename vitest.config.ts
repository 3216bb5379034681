import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    // Whole stacks on a shared CI machine miss a deadline now and then; a retried test is named in the report.
    retry: process.env.CI ? 2 : 0,
    // Clouds' SDKs look for the machine's own credentials; tests ask nobody outside.
    env: { METADATA_SERVER_DETECTION: 'none', AWS_EC2_METADATA_DISABLED: 'true' },
  },
});
