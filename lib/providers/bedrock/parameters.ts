import type { ChatRequest } from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';

/** Source: @aws-sdk/client-bedrock-runtime 3.1164 `InferenceConfiguration`, and the pages on each family's body. */
const maxTemperature = 1;

/** @returns the temperature as it was written; undefined where the line names none. */
export function temperatureFrom({ temperature }: ChatRequest, notes: TranslationNotes): unknown {
  if (temperature === null || temperature.value <= maxTemperature) return temperature?.spelled();
  notes.change('body.temperature', `the highest is ${maxTemperature} here`);
  return maxTemperature;
}
