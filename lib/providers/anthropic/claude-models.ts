import type { RuleSource, SaidRule } from '../contract.ts';
import { type ModelRow, type ModelRules, ModelTable } from '../shared/model-rules.ts';

/** What can differ between models of Claude, by the member that says it. */
type ClaudeRule =
  | 'takesSampling'
  | 'thinking'
  | 'thinkingOff'
  | 'takesThinkingBudget'
  | 'takesForcedTools'
  | 'prefill'
  | 'takesLaterSystem'
  | 'takesSchemas';

export type ClaudeRules = ModelRules<ClaudeRule, ClaudeModel>;

/** What models of Claude take. What a row says holds for each of its models. */
export interface ClaudeModel extends ModelRow<ClaudeRule> {
  /** Whether temperature and top_p may be other than 1; later models answer 400. */
  takesSampling: boolean;
  /** How it is told to think: by a budget of tokens, by itself, or not at all. */
  thinking: 'none' | 'budget' | 'adaptive';
  /** How it is told not to: it does not unless it is told to, `thinking` says so, or it always does. */
  thinkingOff: 'unsaid' | 'disabled' | 'between_tools' | 'never';
  /** Whether `thinking` may name a budget of tokens. */
  takesThinkingBudget: boolean;
  /** Whether the effort `xhigh` exists. */
  takesExtraHighEffort: boolean;
  /** Whether `tool_choice` may force a call. */
  takesForcedTools: boolean;
  /** What becomes of an assistant message at the end: it is gone on with, or refused. */
  prefill: 'continued' | 'refused';
  /** Whether `role: "system"` may follow a user message. */
  takesLaterSystem: boolean;
  /** Whether `output_config.format` binds it to a schema. */
  takesSchemas: boolean;
  /** `max_tokens` for a line that names no limit: OpenAI's models then write as long as they like. Only what is written is paid for. */
  defaultMaxTokens: number;
}

const docs = 'https://platform.claude.com/docs/en';
const read = (source: string): RuleSource => ({ source, read: '2026-11' });
const whatsNew = (model: string) => read(`${docs}/models/${model}/whats-new-${model}`);

const overview = read(`${docs}/about-claude/models/overview`);
const schemas = read(`${docs}/build-with-claude/structured-outputs`);
const extended = read(`${docs}/build-with-claude/extended-thinking`);
const adaptive = read(`${docs}/build-with-claude/adaptive-thinking`);
/** Names Opus 4.6 and Sonnet 4.6, and what came after them. */
const prefill = read(`${docs}/api/errors#prefill-not-supported`);
const laterSystem = read(`${docs}/build-with-claude/mid-conversation-system-messages`);
/** Has a section for each of Opus 4.6, Sonnet 4.6, Opus 4.7, 4.8 and 5, Sonnet 5, Fable 5 and 5.1. */
const migration = read('https://github.com/anthropics/skills/blob/main/skills/claude-api/shared/model-migration.md');
/** "`temperature` is deprecated", of Opus 5.5 and Sonnet 5.5. */
const deprecatedTemperature = read('https://github.com/orgs/community/discussions/209995');
const haiku55 = read(`${docs}/models/haiku-5-5/migration-guide`);

const claude3: Omit<ClaudeModel, 'models'> = {
  sources: { thinking: overview, takesSchemas: schemas, prefill },
  takesSampling: true,
  thinking: 'none',
  thinkingOff: 'unsaid',
  takesThinkingBudget: true,
  takesExtraHighEffort: false,
  takesForcedTools: true,
  prefill: 'continued',
  takesLaterSystem: false,
  takesSchemas: false,
  defaultMaxTokens: 4_096,
};

const claude4: Omit<ClaudeModel, 'models'> = {
  ...claude3,
  sources: { ...claude3.sources, thinking: extended },
  thinking: 'budget',
  defaultMaxTokens: 32_000,
};

const claude46: Omit<ClaudeModel, 'models'> = {
  ...claude4,
  sources: { thinking: adaptive, prefill: migration, takesSchemas: schemas },
  thinking: 'adaptive',
  prefill: 'refused',
  takesSchemas: true,
};

const claude47: Omit<ClaudeModel, 'models'> = {
  ...claude46,
  sources: { thinking: migration, takesThinkingBudget: migration, takesSampling: migration, prefill: migration },
  takesSampling: false,
  takesThinkingBudget: false,
  takesExtraHighEffort: true,
};

/** What is known of the newest models besides their own page. */
const claude55: Omit<ClaudeModel, 'models'> = {
  ...claude47,
  sources: { thinking: adaptive, takesSampling: deprecatedTemperature, prefill },
};

const fable5: Omit<ClaudeModel, 'models'> = {
  ...claude47,
  sources: {
    thinking: migration,
    thinkingOff: migration,
    takesThinkingBudget: migration,
    prefill: migration,
    takesLaterSystem: laterSystem,
  },
  thinkingOff: 'never',
  takesLaterSystem: true,
};

export const claudeModels = new ModelTable<ClaudeModel>([
  {
    ...claude3,
    models: ['claude-3-opus', 'claude-3-sonnet', 'claude-3-haiku'],
  },
  {
    ...claude3,
    models: ['claude-3-5-sonnet', 'claude-3-5-haiku'],
    defaultMaxTokens: 8_192,
  },
  {
    ...claude4,
    models: ['claude-3-7-sonnet', 'claude-sonnet-4', 'claude-sonnet-4-0', 'claude-opus-4', 'claude-opus-4-0'],
  },
  {
    ...claude4,
    models: ['claude-opus-4-1', 'claude-sonnet-4-5', 'claude-haiku-4-5', 'claude-opus-4-5'],
    takesSchemas: true,
  },
  { ...claude46, models: ['claude-opus-4-6', 'claude-sonnet-4-6'] },
  { ...claude47, models: ['claude-opus-4-7'] },
  {
    ...claude47,
    models: ['claude-opus-4-8'],
    sources: { ...claude47.sources, takesLaterSystem: laterSystem },
    takesLaterSystem: true,
  },
  {
    ...claude47,
    models: ['claude-sonnet-5'],
    sources: { ...claude47.sources, thinkingOff: migration, takesLaterSystem: laterSystem },
    thinkingOff: 'disabled',
  },
  {
    ...claude47,
    models: ['claude-opus-5'],
    sources: { ...claude47.sources, thinkingOff: migration, takesLaterSystem: laterSystem },
    thinkingOff: 'disabled',
    takesLaterSystem: true,
  },
  {
    ...claude47,
    models: ['claude-haiku-5-5'],
    sources: {
      thinking: haiku55,
      thinkingOff: haiku55,
      takesThinkingBudget: haiku55,
      takesSampling: haiku55,
      prefill: haiku55,
    },
    thinkingOff: 'disabled',
  },
  { ...fable5, models: ['claude-fable-5', 'claude-mythos-5'] },
  {
    ...fable5,
    models: ['claude-fable-5-1', 'claude-mythos-5-1'],
    sources: { ...fable5.sources, takesForcedTools: read(`${docs}/build-with-claude/thinking`) },
    takesForcedTools: false,
  },
  {
    // Their page says nothing of forced tools: that their predecessors refuse them is all that is known.
    ...fable5,
    models: ['claude-fable-5-2', 'claude-mythos-5-2'],
    sources: { thinking: whatsNew('fable-5-2'), thinkingOff: whatsNew('fable-5-2') },
    takesForcedTools: false,
  },
  {
    ...claude55,
    models: ['claude-sonnet-5-5'],
    sources: {
      ...claude55.sources,
      thinkingOff: whatsNew('sonnet-5-5'),
      takesForcedTools: whatsNew('sonnet-5-5'),
    },
    thinkingOff: 'between_tools',
    takesForcedTools: false,
  },
  {
    ...claude55,
    models: ['claude-opus-5-5'],
    sources: {
      ...claude55.sources,
      thinkingOff: whatsNew('opus-5-5'),
      takesForcedTools: whatsNew('opus-5-5'),
      takesLaterSystem: laterSystem,
    },
    thinkingOff: 'never',
    takesForcedTools: false,
    takesLaterSystem: true,
  },
]);

/** What docs say of a row. */
export function claudeSays(model: ClaudeModel): SaidRule[] {
  const said: [ClaudeRule, string | null][] = [
    ['takesSampling', model.takesSampling ? null : 'no temperature, no top_p'],
    ['thinking', thinkingSays[model.thinking]],
    ['takesThinkingBudget', model.takesThinkingBudget ? null : 'no budget of tokens to think'],
    ['thinkingOff', thinkingOffSays[model.thinkingOff]],
    ['takesForcedTools', model.takesForcedTools ? null : 'no forced tools'],
    [
      'prefill',
      model.prefill === 'refused' ? 'no assistant message at the end' : 'goes on with an assistant message at the end',
    ],
    ['takesLaterSystem', model.takesLaterSystem ? 'later system messages in their place' : null],
    ['takesSchemas', model.takesSchemas ? null : 'no schemas'],
  ];
  return said.flatMap(([rule, says]) => (says === null ? [] : [{ says, source: model.sources[rule] ?? null }]));
}

const thinkingSays: Record<ClaudeModel['thinking'], string> = {
  none: 'does not think',
  budget: 'thinks within a budget of tokens',
  adaptive: 'thinks by itself',
};

const thinkingOffSays: Record<ClaudeModel['thinkingOff'], string | null> = {
  unsaid: null,
  disabled: 'thinks unless `thinking` is `disabled`',
  between_tools: 'thinks unless `thinking` is `between_tools`',
  never: 'always thinks',
};
