/**
 * What families of Claude models take, by the version in their name. A name without one (`claude-mythos-preview`), and
 * whatever comes later, counts as the newest.
 */
export interface ClaudeFamily {
  /** Whether temperature and top_p may be other than 1. Models after 4.6 answer 400. */
  takesSampling: boolean;
  /** How it is told to think: by a budget of tokens, by itself, or not at all. */
  thinking: 'none' | 'budget' | 'adaptive';
  /** Whether the effort `xhigh` exists; it came after 4.6. */
  takesExtraHighEffort: boolean;
  /** `max_tokens` for a line that names no limit. */
  defaultMaxTokens: number;
}

const newest = Number.POSITIVE_INFINITY;

/**
 * Sources, read 2026-11: https://platform.claude.com/docs/en/about-claude/models/overview (output limits),
 * .../build-with-claude/adaptive-thinking, .../build-with-claude/effort, and the migration notes for Opus 4.7.
 */
export function familyOf(model: string): ClaudeFamily {
  const version = versionOf(model);
  return {
    takesSampling: version <= 406,
    thinking: version < 307 ? 'none' : version < 406 ? 'budget' : 'adaptive',
    takesExtraHighEffort: version > 406,
    defaultMaxTokens: defaultMaxTokens(version),
  };
}

/**
 * OpenAI's models write as long as they like where no limit is given, Anthropic's need one. 32,000 is the most that
 * every model since Claude 3.7 takes; only what is written is paid for.
 */
function defaultMaxTokens(version: number): number {
  if (version < 305) return 4_096;
  return version < 307 ? 8_192 : 32_000;
}

/** 4.6 is 406. The date at the end of a name is no version. */
function versionOf(model: string): number {
  const match = /claude-(?:[a-z]+-)?(\d{1,2})(?:[.-](\d{1,2}))?(?!\d)/.exec(model);
  return match ? Number(match[1]) * 100 + Number(match[2] ?? 0) : newest;
}
