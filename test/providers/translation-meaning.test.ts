import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject, type JsonObject } from '../../lib/records/json.ts';
import { runs } from '../seed.ts';
import { lineId, lineOf } from './support/lines.ts';
import {
  type Meaning,
  meaningOfChat,
  meaningOfConverse,
  meaningOfGenerateContent,
  meaningOfLlamaPrompt,
  meaningOfMessage,
  meaningOfMistralPrompt,
  meaningOfTalk,
  parseSpelled,
} from './support/meaning.ts';
import { talk, without } from './support/talk.ts';
import { requestForms, targets, writtenLine } from './support/translation-targets.ts';

describe.each(targets)('what goes to $name', ({ provider, model, lacks }) => {
  it.each(requestForms)('means what it meant as $name, to the digit', (form) => {
    const sayable = talk.map((said) => without([...lacks, ...form.lacks], said));
    fc.assert(
      fc.property(sayable, (said) => {
        const text = writtenLine(form, model, form.bodyOf(said));
        const line = lineOf(text, form.endpoint);
        const translated = provider.translateRequest(line, { lineId, model });
        if (!translated.ok) throw new Error(translated.error.message);
        const sent = translated.bytes.toString();
        if (provider.passesThrough(line)) expect(sent).toBe(text.replace('"mine"', JSON.stringify(lineId)));
        else if (isKeptResponse(sent)) expect(bodyIn(sent)).toEqual({ ...bodyIn(text), model: undefined });
        else expect(meaningOf(sent)).toEqual(meaningOfTalk(said));
      }),
      { numRuns: runs(30) },
    );
  });
});

function bodyIn(text: string): JsonObject {
  const line = parseSpelled(text);
  return isObject(line) && isObject(line.body) ? line.body : {};
}

/** A provider with an endpoint for Responses gets the members as they were written, all but the model. */
function isKeptResponse(text: string): boolean {
  return 'input' in bodyIn(text);
}

function meaningOf(text: string): Meaning {
  const line = parseSpelled(text);
  const { body, params, request, modelInput } = isObject(line) ? line : {};
  if (isObject(body)) return meaningOfChat(body);
  if (isObject(params)) return meaningOfMessage(params);
  if (isObject(modelInput)) return meaningOfModelInput(modelInput);
  if (!isObject(request)) throw new Error(`no request in ${text}`);
  return 'contents' in request ? meaningOfGenerateContent(request) : meaningOfMessage(request);
}

/** The meaning of a request to Bedrock, whose body is the model's own. */
function meaningOfModelInput(body: JsonObject): Meaning {
  if ('anthropic_version' in body) return meaningOfMessage(body);
  if ('inferenceConfig' in body) return meaningOfConverse(body);
  if ('max_gen_len' in body) return meaningOfLlamaPrompt(body);
  return 'prompt' in body ? meaningOfMistralPrompt(body) : meaningOfChat(body);
}
