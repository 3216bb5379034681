import { demoAccount } from '../../cli/demo/demo-account.ts';
import { type ProviderKind, providerKinds } from '../../lib/providers/config.ts';
import type { SeededRandom } from '../../simulators/seeded-random.ts';

/** A line of a planned file. */
export interface PlannedLine {
  text: string;
  /** The custom_id under which its result must stand; null where the line has none of its own. */
  answeredAs: string | null;
  /** Validation refuses it. */
  isSpoilt: boolean;
}

type Make = (customId: string, text: string, random: SeededRandom) => string;

const chat: Make = (customId, text, random) =>
  chatLine(customId, text, random.pick(['gpt-5-mini', 'gpt-5-mini', 'gpt-5']));
const team: Make = (customId, text) => chatLine(customId, text, 'team/gpt-5-mini');
const claude: Make = (customId, text) => chatLine(customId, text, 'claude-sonnet-4-5');
const kinds: [ProviderKind, ...ProviderKind[]] = ['openai', ...providerKinds];
/** Every account but `team` and `bulk` goes by the name of its kind. */
const chatAt = (kind: ProviderKind): Make => {
  const furtherModels = kind === 'vertex' ? ['gemini-2.5-flash'] : [];
  const models: [string, ...string[]] = [demoAccount(kind).model, ...furtherModels];
  return (customId, text, random) => chatLine(customId, text, `${kind}/${random.pick(models)}`);
};
const anywhere: Make = (customId, text, random) => chatAt(random.pick(kinds))(customId, text, random);
const mixed: Make = (customId, text, random) => random.pick([chat, team, claude, anywhere])(customId, text, random);

function chatLine(customId: string, text: string, model: string): string {
  const body = { model, messages: [{ role: 'user', content: text }] };
  return JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/chat/completions', body });
}

const native: Make = (customId, text) => {
  const params = { model: 'claude-sonnet-4-5', max_tokens: 60, messages: [{ role: 'user', content: text }] };
  return JSON.stringify({ custom_id: customId, params });
};

const embedding: Make = (customId, text) => {
  const body = { model: 'text-embedding-3-small', input: text, dimensions: 4 };
  return JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/embeddings', body });
};

/** Mostly nothing; else a text by which the simulators let the request fail. */
const troubles = ['[[refuse]]', '[[rate-limit]]', '[[server-error]]', '[[overloaded]]', '[[decline]]'] as const;

/**
 * A file of 1 to 60 lines, all for one endpoint, for one provider or for several. The lines of some are so long that the
 * file arrives in several pieces, for each of which Prepare needs a run of its own: no function here has its time.
 */
export function randomLines(random: SeededRandom, fileName: string, isSpoilt: boolean): PlannedLine[] {
  const make = random.pick([chat, team, claude, mixed, anywhere, chatAt(random.pick(kinds)), native, embedding]);
  const padding = random.next() < 0.15 ? random.hex(20_000) : '';
  const lines = Array.from({ length: 1 + random.below(random.next() < 0.2 ? 60 : 14) }, (_, place): PlannedLine => {
    const customId = `${fileName}-${place}`;
    const trouble = random.next() < 0.04 ? ` ${random.pick(troubles)}` : '';
    return {
      text: make(customId, `Line ${place} of ${fileName}${trouble} ${padding}`, random),
      answeredAs: customId,
      isSpoilt: false,
    };
  });
  if (isSpoilt) for (let count = random.below(3); count >= 0; count -= 1) spoil(lines, random);
  return lines;
}

/** Adds a line that no validation lets through, anywhere but at the start: the first line decides the endpoint. */
function spoil(lines: PlannedLine[], random: SeededRandom): void {
  const [first] = lines;
  if (!first) return;
  const place = 1 + random.below(lines.length);
  const customId = `${first.answeredAs}-spoilt-${lines.length}`;
  const wrong: PlannedLine = random.pick([
    { text: '{"custom_id": "cut off', answeredAs: null, isSpoilt: true },
    { text: first.text, answeredAs: null, isSpoilt: true },
    { text: chatLine(customId, 'Of an unknown model', 'unheard-of'), answeredAs: customId, isSpoilt: true },
    { text: JSON.stringify({ custom_id: customId, method: 'GET' }), answeredAs: customId, isSpoilt: true },
  ]);
  lines.splice(place, 0, wrong);
}
