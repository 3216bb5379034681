import { z } from 'zod';
import { type ProviderKind, providerKinds } from '../../lib/providers/config.ts';
import { columns } from '../output/columns.ts';
import type { Results } from './results.ts';

/** What became of one provider's lines. */
export interface ProviderOutcome {
  provider: ProviderKind;
  requests: number;
  answered: number;
  failed: number;
  /** Lines that came back neither way, or twice. */
  missing: number;
  warnings: number;
  /** From the first create to the end of the last batch; null where nothing was sent. */
  seconds: number | null;
}

const idSchema = z.object({ custom_id: z.string() });
const time = z.number().nullable();
const receiptSchema = z.object({
  batchdrop: z.object({
    receipt: z.object({
      provider_batches: z.array(z.object({ provider: z.string(), submitted_at: time, ended_at: time })),
    }),
  }),
});

/** @param warnings lines of warnings.jsonl. */
export function providerOutcomes(results: Results, warnings: readonly string[]): ProviderOutcome[] {
  const answered = idsOf(results.output?.lines ?? []);
  const failed = idsOf(results.errors?.lines ?? []);
  return providerKinds.map((provider) => {
    const isOwn = (id: string) => id.startsWith(`${provider}:`);
    const sent = idsOf(results.drop.lines).filter(isOwn);
    const back = [...answered, ...failed].filter(isOwn);
    return {
      provider,
      requests: sent.length,
      answered: answered.filter(isOwn).length,
      failed: failed.filter(isOwn).length,
      missing: sent.filter((id) => back.filter((one) => one === id).length !== 1).length,
      warnings: idsOf(warnings).filter(isOwn).length,
      seconds: secondsOf(results, provider),
    };
  });
}

function idsOf(lines: readonly string[]): string[] {
  return lines.map((line) => idSchema.parse(JSON.parse(line)).custom_id);
}

function secondsOf({ summary }: Results, provider: ProviderKind): number | null {
  if (!summary) return null;
  const { batchdrop } = receiptSchema.parse(JSON.parse(summary.lines.join('\n')));
  const own = batchdrop.receipt.provider_batches.filter((batch) => batch.provider === provider);
  const begins = own.flatMap(({ submitted_at }) => submitted_at ?? []);
  const ends = own.flatMap(({ ended_at }) => ended_at ?? []);
  return begins.length > 0 && ends.length > 0 ? Math.max(...ends) - Math.min(...begins) : null;
}

const titles = ['provider', 'requests', 'answered', 'failed', 'missing', 'warnings', 'seconds'];

export function describeProviders(outcomes: readonly ProviderOutcome[]): string {
  const rows = outcomes.map(({ provider, requests, answered, failed, missing, warnings, seconds }) =>
    [provider, requests, answered, failed, missing, warnings, seconds ?? '-'].map(String),
  );
  return columns([titles, ...rows], [1, 2, 3, 4, 5, 6]).join('\n');
}
