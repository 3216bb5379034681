import type { RuleSource, SaidRule } from '../contract.ts';
import { type ModelRow, type ModelRules, ModelTable } from '../shared/model-rules.ts';

/** What can differ between models of Gemini, by the member that says it. */
type GeminiRule =
  | 'thinking'
  | 'alwaysThinks'
  | 'wantsThoughtSignatures'
  | 'takesPenalties'
  | 'takesUrls'
  | 'answersWith';

export type GeminiRules = ModelRules<GeminiRule, GeminiModel>;

/** What models of Gemini take. What a row says holds for each of its models. */
export interface GeminiModel extends ModelRow<GeminiRule> {
  /** Gemini 3 takes a level, 2.5 a budget of tokens, older ones do not think. */
  thinking: 'none' | 'budget' | 'level';
  /** Whether it cannot stop thinking. */
  alwaysThinks: boolean;
  /** Whether a function call that goes back needs the signature of the thought behind it. */
  wantsThoughtSignatures: boolean;
  takesPenalties: boolean;
  /** Whether it is shown images and files by http(s) URLs. */
  takesUrls: boolean;
  answersWith: 'text' | 'pictures' | 'speech';
}

const docs = 'https://ai.google.dev/gemini-api/docs';
const read = (source: string): RuleSource => ({ source, read: '2026-11' });

const models = read(`${docs}/models`);
const thinking = read(`${docs}/thinking`);
/** "Penalty is not enabled for this model." */
const penalties = read('https://github.com/google-gemini/cookbook/issues/1290');
const pictures = read(`${docs}/image-generation`);
const speech = read(`${docs}/speech-generation`);
/** Of all endpoints, Batch among them. */
const urls = read(`${docs}/file-input-methods`);

const gemini2: Omit<GeminiModel, 'models'> = {
  sources: { thinking: models },
  thinking: 'none',
  alwaysThinks: false,
  wantsThoughtSignatures: false,
  takesPenalties: true,
  takesUrls: false,
  answersWith: 'text',
};

const gemini25: Omit<GeminiModel, 'models'> = {
  ...gemini2,
  sources: { thinking, takesPenalties: penalties, takesUrls: urls, answersWith: models },
  thinking: 'budget',
  takesPenalties: false,
  takesUrls: true,
};
const gemini3: Omit<GeminiModel, 'models'> = {
  ...gemini25,
  sources: { ...gemini25.sources, wantsThoughtSignatures: read(`${docs}/thought-signatures`) },
  thinking: 'level',
  wantsThoughtSignatures: true,
};

export const geminiModels = new ModelTable<GeminiModel>([
  { ...gemini2, models: ['gemini-1-5-flash', 'gemini-1-5-pro', 'gemini-2-0-flash', 'gemini-2-0-flash-lite'] },
  { ...gemini25, models: ['gemini-2-5-flash', 'gemini-2-5-flash-lite'] },
  {
    ...gemini25,
    models: ['gemini-2-5-pro'],
    sources: { ...gemini25.sources, alwaysThinks: thinking },
    alwaysThinks: true,
  },
  {
    ...gemini25,
    models: ['gemini-2-5-flash-image', 'gemini-2-5-flash-image-preview'],
    sources: { takesPenalties: penalties, takesUrls: urls, answersWith: pictures },
    thinking: 'none',
    answersWith: 'pictures',
  },
  {
    ...gemini25,
    models: ['gemini-2-5-flash-preview-tts', 'gemini-2-5-pro-preview-tts'],
    sources: { takesPenalties: penalties, takesUrls: urls, answersWith: speech },
    thinking: 'none',
    answersWith: 'speech',
  },
  { ...gemini3, models: ['gemini-3-flash', 'gemini-3-flash-preview'] },
  {
    ...gemini3,
    models: ['gemini-3-pro', 'gemini-3-pro-preview'],
    sources: { ...gemini3.sources, alwaysThinks: thinking },
    alwaysThinks: true,
  },
  {
    ...gemini3,
    models: ['gemini-3-pro-image', 'gemini-3-pro-image-preview'],
    sources: { ...gemini3.sources, alwaysThinks: thinking, answersWith: pictures },
    alwaysThinks: true,
    answersWith: 'pictures',
  },
]);

export function geminiSays(model: GeminiModel): SaidRule[] {
  const said: [GeminiRule, string | null][] = [
    ['thinking', thinkingSays[model.thinking]],
    ['alwaysThinks', model.alwaysThinks ? 'always thinks' : null],
    ['wantsThoughtSignatures', model.wantsThoughtSignatures ? 'wants signatures of thoughts back' : null],
    ['takesPenalties', model.takesPenalties ? null : 'no penalties'],
    ['takesUrls', model.takesUrls ? 'images by http(s) URL' : 'no images by http(s) URL'],
    ['answersWith', answersSay[model.answersWith]],
  ];
  return said.flatMap(([rule, says]) => (says === null ? [] : [{ says, source: model.sources[rule] ?? null }]));
}

const thinkingSays: Record<GeminiModel['thinking'], string> = {
  none: 'does not think',
  budget: 'thinks within a budget of tokens',
  level: 'thinks by level',
};

const answersSay: Record<GeminiModel['answersWith'], string | null> = {
  text: null,
  pictures: 'answers with pictures, too',
  speech: 'answers with speech only',
};
