import type { SeededRandom } from './seeded-random.ts';
import { countTokens } from './usage.ts';

const openings = [
  'Here is a short answer to',
  'Let me take up',
  'In a few words, on',
  'This is what can be said about',
] as const;

const sentences = [
  'The main point is %, and the rest follows from it.',
  'It helps to look at % first, since most questions come back to it.',
  'In practice % matters more than one would expect.',
  'There are two sides to %: what it is for, and what it costs.',
  'A common mistake is to treat % as if it stood alone.',
  'If you need more detail, start with an example of %.',
] as const;

const commonWords = new Set(
  'about after could does from have here know make please some tell that their them then there these they this what when where which will with would write your'.split(
    ' ',
  ),
);

/** How much of a long question is looked at: its beginning. */
const examinedChars = 2000;

const declining = "I'm sorry, but I can't help with that request.";

export interface Prose {
  text: string;
  outputTokens: number;
  /** Why the text ends where it does. */
  ending: 'complete' | 'length' | 'stop_sequence';
  stopSequence: string | null;
}

export interface ProseLimits {
  maxTokens: number | null;
  stopSequences: string[];
}

/** A text about what the user asked, a few sentences long, cut where a model would have to stop. */
export function composeProse(question: string, random: SeededRandom, limits: ProseLimits): Prose {
  const topic = question.slice(0, examinedChars).trim().replace(/\s+/g, ' ').slice(0, 80) || 'your message';
  const beginning = question.slice(0, examinedChars);
  const words = (beginning.match(/(?<!\p{L})\p{L}{4,24}(?!\p{L})/gu) ?? []).filter(
    (word) => !commonWords.has(word.toLowerCase()),
  );
  const left: string[] = [...sentences];
  const parts = [`${random.pick(openings)} "${topic}":`];
  const count = 1 + random.below(4);
  for (let sentence = 0; sentence < count; sentence++) {
    const word = words[random.below(Math.max(1, words.length))] ?? 'the question itself';
    parts.push((left.splice(random.below(left.length), 1)[0] ?? '').replace('%', () => word.toLowerCase()));
  }
  return cut(parts.join(' '), limits);
}

export function composeRefusal(): string {
  return declining;
}

/** Cuts any text at the first stop sequence, then at the token limit. */
export function cut(text: string, limits: ProseLimits): Prose {
  const stops = limits.stopSequences
    .map((sequence) => ({ sequence, position: text.indexOf(sequence) }))
    .filter(({ position }) => position >= 0)
    .sort((left, right) => left.position - right.position);
  const stop = stops[0];
  const upToStop = stop === undefined ? text : text.slice(0, stop.position);
  if (limits.maxTokens !== null && countTokens(upToStop) > limits.maxTokens) {
    const shortened = upToStop.slice(0, limits.maxTokens * 4);
    return { text: shortened, outputTokens: limits.maxTokens, ending: 'length', stopSequence: null };
  }
  return {
    text: upToStop,
    outputTokens: Math.max(1, countTokens(upToStop)),
    ending: stop === undefined ? 'complete' : 'stop_sequence',
    stopSequence: stop?.sequence ?? null,
  };
}
