import { defineConfig } from 'vitest/config';
import usual, { longTests } from './vitest.config.ts';

const { projects: _ofNpmTest, ...test } = usual.test ?? {};

/** The tests that `npm test` leaves out. */
export default defineConfig({ test: { ...test, include: longTests } });
