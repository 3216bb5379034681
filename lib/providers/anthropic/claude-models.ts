import { type ModelRow, ModelTable } from '../shared/model-rules.ts';

/** What models of Claude take. What a row says holds for each of its models. */
export interface ClaudeModel extends ModelRow {
  /** Whether temperature and top_p may be other than 1; later models answer 400. */
  takesSampling: boolean;
  /** How it is told to think: by a budget of tokens, by itself, or not at all. */
  thinking: 'none' | 'budget' | 'adaptive';
  /** How it is told not to: it does not unless it is told to, `thinking` says so, or it always does. */
  thinkingOff: 'unsaid' | 'disabled' | 'between_tools' | 'never';
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
const whatsNew = (model: string, page: string) => `${docs}/models/${model}/${page}`;

const claude3: Omit<ClaudeModel, 'models'> = {
  source: `${docs}/about-claude/models/overview`,
  read: '2026-11',
  takesSampling: true,
  thinking: 'none',
  thinkingOff: 'unsaid',
  takesExtraHighEffort: false,
  takesForcedTools: true,
  prefill: 'continued',
  takesLaterSystem: false,
  takesSchemas: false,
  defaultMaxTokens: 4_096,
};

const claude4: Omit<ClaudeModel, 'models'> = {
  ...claude3,
  source: `${docs}/build-with-claude/structured-outputs`,
  thinking: 'budget',
  defaultMaxTokens: 32_000,
};

const claude46: Omit<ClaudeModel, 'models'> = {
  ...claude4,
  source: `${docs}/api/errors#prefill-not-supported`,
  thinking: 'adaptive',
  prefill: 'refused',
  takesSchemas: true,
};

const claude47: Omit<ClaudeModel, 'models'> = {
  ...claude46,
  source: `${docs}/build-with-claude/effort`,
  takesSampling: false,
  takesExtraHighEffort: true,
};

/** https://github.com/anthropics/skills names what changed with the models of generation 5. */
const migration = 'https://github.com/anthropics/skills (skills/claude-api/shared/model-migration.md)';
const laterSystem = `${docs}/build-with-claude/mid-conversation-system-messages`;

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
  { ...claude47, models: ['claude-opus-4-8'], source: laterSystem, takesLaterSystem: true },
  { ...claude47, models: ['claude-sonnet-5'], source: migration, thinkingOff: 'disabled' },
  { ...claude47, models: ['claude-opus-5'], source: migration, thinkingOff: 'disabled', takesLaterSystem: true },
  {
    ...claude47,
    models: ['claude-haiku-5-5'],
    source: whatsNew('haiku-5-5', 'migration-guide'),
    thinkingOff: 'disabled',
  },
  {
    ...claude47,
    models: ['claude-fable-5', 'claude-mythos-5'],
    source: laterSystem,
    thinkingOff: 'never',
    takesLaterSystem: true,
  },
  {
    ...claude47,
    models: ['claude-fable-5-1', 'claude-mythos-5-1', 'claude-fable-5-2', 'claude-mythos-5-2'],
    source: whatsNew('fable-5-2', 'whats-new-fable-5-2'),
    thinkingOff: 'never',
    takesForcedTools: false,
    takesLaterSystem: true,
  },
  {
    ...claude47,
    models: ['claude-sonnet-5-5'],
    source: whatsNew('sonnet-5-5', 'whats-new-sonnet-5-5'),
    thinkingOff: 'between_tools',
    takesForcedTools: false,
  },
  {
    ...claude47,
    models: ['claude-opus-5-5'],
    source: whatsNew('opus-5-5', 'whats-new-opus-5-5'),
    thinkingOff: 'never',
    takesForcedTools: false,
    takesLaterSystem: true,
  },
]);

/** What docs say of a row. */
export function claudeSays(model: ClaudeModel): string[] {
  return [
    ...(model.takesSampling ? [] : ['no temperature, no top_p']),
    { none: 'does not think', budget: 'thinks within a budget of tokens', adaptive: 'thinks by itself' }[
      model.thinking
    ],
    ...{
      unsaid: [],
      disabled: ['thinks unless `thinking` is `disabled`'],
      between_tools: ['thinks unless `thinking` is `between_tools`'],
      never: ['always thinks'],
    }[model.thinkingOff],
    ...(model.takesForcedTools ? [] : ['no forced tools']),
    model.prefill === 'refused' ? 'no assistant message at the end' : 'goes on with an assistant message at the end',
    ...(model.takesLaterSystem ? ['later system messages in their place'] : []),
    ...(model.takesSchemas ? [] : ['no schemas']),
  ];
}
