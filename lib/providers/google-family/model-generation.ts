/** How models of one generation are told to think, by the version in their name; a name without one is the newest. */
export interface ModelGeneration {
  /** Gemini 3 takes a level, 2.5 a budget of tokens, older ones do not think. */
  thinking: 'none' | 'budget' | 'level';
  /** Whether it is a Pro model, which cannot stop thinking. */
  isPro: boolean;
  /** Whether a function call that goes back needs the signature of the thought behind it. */
  wantsThoughtSignatures: boolean;
}

/** Sources, from memory: https://ai.google.dev/gemini-api/docs/thinking and .../thought-signatures. Unconfirmed. */
export function generationOf(model: string): ModelGeneration {
  const version = versionOf(model);
  return {
    thinking: version < 205 ? 'none' : version < 300 ? 'budget' : 'level',
    isPro: /(^|-)pro(-|$)/.test(model),
    wantsThoughtSignatures: version >= 300,
  };
}

/** 2.5 is 205. */
function versionOf(model: string): number {
  const match = /gemini-(\d{1,2})(?:\.(\d{1,2}))?(?!\d)/.exec(model);
  return match ? Number(match[1]) * 100 + Number(match[2] ?? 0) : Number.POSITIVE_INFINITY;
}
