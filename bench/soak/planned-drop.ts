import type { SeededRandom } from '../../simulators/seeded-random.ts';
import { type PlannedLine, randomLines } from './planned-line.ts';

/** What a drop comes to where nothing but faults of others happens to it. */
export type Fate =
  /** Validation accepts it: every line is answered, one way or the other. */
  | 'accepted'
  /** Validation refuses it, by its lines or its budget. */
  | 'refused_input'
  /** It ends after validation, with nothing sent. */
  | 'dry_run';

/** A file that will be dropped, with everything that decides about it. */
export interface PlannedDrop {
  number: number;
  /** Under `inbox/`. */
  name: string;
  lines: PlannedLine[];
  /** As the object's user metadata. */
  options: Record<string, string>;
  fate: Fate;
}

const hourSeconds = 3_600;

/**
 * @param deadlineSeconds how long the batch may take; bounds everything that may go wrong with it.
 */
export function randomDrop(random: SeededRandom, number: number, deadlineSeconds: number): PlannedDrop {
  const name = `${random.pick(['', 'blue/'])}soak-${number}.jsonl`;
  const fate = random.pick<Fate>(['accepted', ...often, 'refused_input', 'dry_run']);
  const isSpoilt = fate === 'refused_input' || random.next() < 0.25;
  const lines = randomLines(random, name, isSpoilt);
  const options: Record<string, string> = {
    'deadline-hours': (deadlineSeconds / hourSeconds).toFixed(5),
    'max-attempts': String(1 + random.below(3)),
    priority: random.pick(['low', 'normal', 'high']),
  };
  if (fate === 'dry_run') options['dry-run'] = 'true';
  if (fate === 'refused_input') refuse(options, random, lines);
  else Object.assign(options, { 'on-invalid-line': 'error_line', 'on-unknown-model': 'error_line' });
  if (random.next() < 0.2) options['idempotency-key'] = `key-${number}`;
  return { number, name, lines, options, fate };
}

const often: Fate[] = new Array(18).fill('accepted');

/** Spoilt lines make the batch fail unless the options say otherwise; a budget of nearly nothing always does. */
function refuse(options: Record<string, string>, random: SeededRandom, lines: readonly PlannedLine[]): void {
  const canFailByLines = lines.some((line) => line.isSpoilt);
  if (canFailByLines && random.next() < 0.5) return;
  Object.assign(options, { 'on-invalid-line': 'error_line', 'on-unknown-model': 'error_line' });
  options['max-cost-usd'] = '0.000001';
}

/** About ten megabytes, so that S3 gets it and its results in parts. */
export function largeDrop(random: SeededRandom, number: number, deadlineSeconds: number): PlannedDrop {
  const name = `soak-large-${number}.jsonl`;
  const padding = random.hex(4_000);
  const body = (place: number) => ({
    model: 'bulk/gpt-5-mini',
    messages: [{ role: 'user', content: `${name} ${place} ${padding}` }],
  });
  const lines = Array.from({ length: 2_600 }, (_, place): PlannedLine => {
    const customId = `${name}-${place}`;
    const line = { custom_id: customId, method: 'POST', url: '/v1/chat/completions', body: body(place) };
    return { text: JSON.stringify(line), answeredAs: customId, isSpoilt: false };
  });
  const options = { 'deadline-hours': (deadlineSeconds / hourSeconds).toFixed(5), 'max-attempts': '2' };
  return { number, name, lines, options, fate: 'accepted' };
}

export function inboxKeyOf(drop: PlannedDrop): string {
  return `inbox/${drop.name}`;
}

export function bodyOf(drop: PlannedDrop): string {
  return drop.lines.map((line) => `${line.text}\n`).join('');
}
