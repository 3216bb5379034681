import { type ModelRow, ModelTable } from '../shared/model-rules.ts';

/** What models of Gemini take. What a row says holds for each of its models. */
export interface GeminiModel extends ModelRow {
  /** Gemini 3 takes a level, 2.5 a budget of tokens, older ones do not think. */
  thinking: 'none' | 'budget' | 'level';
  /** Whether it cannot stop thinking. */
  alwaysThinks: boolean;
  /** Whether a function call that goes back needs the signature of the thought behind it. */
  wantsThoughtSignatures: boolean;
  takesPenalties: boolean;
  answersWith: 'text' | 'pictures' | 'speech';
}

const docs = 'https://ai.google.dev/gemini-api/docs';

const gemini2: Omit<GeminiModel, 'models'> = {
  source: `${docs}/models`,
  read: '2026-11',
  thinking: 'none',
  alwaysThinks: false,
  wantsThoughtSignatures: false,
  takesPenalties: true,
  answersWith: 'text',
};

/** "Penalty is not enabled for this model." */
const penalties = 'https://github.com/google-gemini/cookbook/issues/1290';

const gemini25: Omit<GeminiModel, 'models'> = {
  ...gemini2,
  source: penalties,
  thinking: 'budget',
  takesPenalties: false,
};
const gemini3: Omit<GeminiModel, 'models'> = { ...gemini25, thinking: 'level', wantsThoughtSignatures: true };

export const geminiModels = new ModelTable<GeminiModel>([
  { ...gemini2, models: ['gemini-1-5-flash', 'gemini-1-5-pro', 'gemini-2-0-flash', 'gemini-2-0-flash-lite'] },
  { ...gemini25, models: ['gemini-2-5-flash', 'gemini-2-5-flash-lite'] },
  { ...gemini25, models: ['gemini-2-5-pro'], alwaysThinks: true },
  {
    ...gemini25,
    models: ['gemini-2-5-flash-image', 'gemini-2-5-flash-image-preview'],
    source: `${docs}/image-generation`,
    thinking: 'none',
    answersWith: 'pictures',
  },
  {
    ...gemini25,
    models: ['gemini-2-5-flash-preview-tts', 'gemini-2-5-pro-preview-tts'],
    source: `${docs}/speech-generation`,
    thinking: 'none',
    answersWith: 'speech',
  },
  { ...gemini3, models: ['gemini-3-flash', 'gemini-3-flash-preview'] },
  { ...gemini3, models: ['gemini-3-pro', 'gemini-3-pro-preview'], alwaysThinks: true },
  {
    ...gemini3,
    models: ['gemini-3-pro-image', 'gemini-3-pro-image-preview'],
    source: `${docs}/image-generation`,
    alwaysThinks: true,
    answersWith: 'pictures',
  },
]);

export function geminiSays(model: GeminiModel): string[] {
  return [
    { none: 'does not think', budget: 'thinks within a budget of tokens', level: 'thinks by level' }[model.thinking],
    ...(model.alwaysThinks ? ['always thinks'] : []),
    ...(model.wantsThoughtSignatures ? ['wants signatures of thoughts back'] : []),
    ...(model.takesPenalties ? [] : ['no penalties']),
    ...{ text: [], pictures: ['answers with pictures, too'], speech: ['answers with speech only'] }[model.answersWith],
  ];
}
