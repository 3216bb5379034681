import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject } from '../../lib/core/request-line.ts';
import { lineId, lineOf } from './lines.ts';
import {
  type Meaning,
  meaningOfChat,
  meaningOfGenerateContent,
  meaningOfMessage,
  meaningOfTalk,
  parseSpelled,
} from './meaning.ts';
import { type Talk, talk } from './talk.ts';
import { requestForms, targets, writtenLine } from './translation-targets.ts';

describe.each(targets)('what goes to $name', ({ provider, model }) => {
  it.each(requestForms)('means what it meant as $name, to the digit', (form) => {
    fc.assert(
      fc.property(talk, (said) => {
        const text = writtenLine(form, model, form.bodyOf(said));
        const line = lineOf(text, form.endpoint);
        const translated = provider.translateRequest(line, { lineId, model });
        if (!translated.ok) throw new Error(translated.error.message);
        const sent = translated.bytes.toString();
        if (provider.passesThrough(line)) expect(sent).toBe(text.replace('"mine"', JSON.stringify(lineId)));
        else expect(meaningOf(sent)).toEqual(meaningOfTalk(sayable(said, form.endpoint)));
      }),
      { numRuns: 30 },
    );
  });
});

/** Responses have no stop sequences. */
function sayable(said: Talk, endpoint: string): Talk {
  return endpoint === '/v1/responses' ? { ...said, stop: [] } : said;
}

function meaningOf(text: string): Meaning {
  const line = parseSpelled(text);
  const { body, params, request, modelInput } = isObject(line) ? line : {};
  if (isObject(body)) return meaningOfChat(body);
  if (isObject(params)) return meaningOfMessage(params);
  if (isObject(modelInput)) return meaningOfMessage(modelInput);
  if (!isObject(request)) throw new Error(`no request in ${text}`);
  return 'contents' in request ? meaningOfGenerateContent(request) : meaningOfMessage(request);
}
