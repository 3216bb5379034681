import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitLines } from '../../lib/lines/jsonl.ts';
import { LineIndex, LineIndexEncoder } from '../../lib/lines/line-index.ts';
import { labelBehindId, PassedLines, passedBytes, TranslatedLines } from '../../lib/lines/passed-lines.ts';
import { parseRequestLine, type RequestLine } from '../../lib/lines/request-line.ts';
import { providers } from '../../lib/providers/registry.ts';
import { placeholderLineId, providerLineId } from '../../lib/records/ids.ts';

const prefix = `b${'0'.repeat(41)}`;

const made = fc.record({
  id: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  model: fc.constantFrom('gpt-5', 'openai/gpt-5', 'm', 'ein-Mödell'),
  text: fc.string({ unit: 'grapheme' }),
  isModelFirst: fc.boolean(),
  isNative: fc.constant(false),
});

function lineOf({
  id,
  model,
  text,
  isModelFirst,
}: {
  id: string;
  model: string;
  text: string;
  isModelFirst: boolean;
}): string {
  const body = isModelFirst ? { model, text } : { text, model };
  return JSON.stringify({ body, url: '/v1/chat/completions', method: 'POST', custom_id: id });
}

function requestOf(text: string, lineNumber: number): RequestLine {
  const parsed = parseRequestLine({ lineNumber, bytes: Buffer.from(text) }, '/v1/chat/completions');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.request;
}

function indexOf(requests: readonly RequestLine[]): LineIndex {
  const encoder = new LineIndexEncoder();
  requests.forEach(({ bytes, format, spans, customId, lineNumber }, ordinal) => {
    encoder.add({ ordinal, lineNumber, byteLength: bytes.length, format, spans, customId });
  });
  return new LineIndex(encoder.take());
}

function translate(request: RequestLine, lineId: string, model: string): string {
  const translated = providers.openai.translateRequest(request, { lineId, model });
  if (!translated.ok) throw new Error(translated.error.message);
  return translated.bytes.toString();
}

/** Cuts lines into pieces of several. */
function pieces(lines: readonly string[], perPiece: number): Buffer[] {
  return Array.from({ length: Math.ceil(lines.length / perPiece) }, (_, place) =>
    Buffer.from(
      lines
        .slice(place * perPiece, (place + 1) * perPiece)
        .map((line) => `${line}\n`)
        .join(''),
    ),
  );
}

const separator = fc.constantFrom(',' as const, '\n' as const);

describe('lines that are passed through', () => {
  it('become what the provider makes of each, with the separator between them', () => {
    fc.assert(
      fc.property(
        fc.array(made, { minLength: 1, maxLength: 20 }),
        separator,
        fc.integer({ min: 1, max: 7 }),
        (all, between, perPiece) => {
          const requests = all.map((one, place) => requestOf(lineOf(one), place + 1));
          const passed = new PassedLines(indexOf(requests), { prefix, model: 'gpt-5', separator: between });
          const edited = pieces(
            requests.map(({ bytes }) => bytes.toString()),
            perPiece,
          ).map((piece) => passed.edit(piece).toString());
          const expected = requests.map((request, place) => translate(request, providerLineId(prefix, place), 'gpt-5'));
          expect(edited.join('')).toBe(expected.join(between));
        },
      ),
    );
  });

  it('have the length that is foretold', () => {
    fc.assert(
      fc.property(made, fc.constantFrom('gpt-5', 'm', 'ün'), (one, model) => {
        const request = requestOf(lineOf(one), 1);
        const expected = Buffer.byteLength(translate(request, placeholderLineId, model));
        expect(passedBytes(request.bytes.length, request.spans, model, request.model)).toBe(expected);
      }),
    );
  });
});

describe('lines that were translated before', () => {
  it('get their ids, with the separator between them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }),
        separator,
        fc.integer({ min: 1, max: 7 }),
        (texts, between, perPiece) => {
          const line = (id: string, text: string) =>
            JSON.stringify({ custom_id: id, params: { text, like: `"${placeholderLineId}"` } });
          const translated = new TranslatedLines(texts.length, { prefix, model: 'm', separator: between });
          const stored = texts.map((text) => line(placeholderLineId, text));
          const edited = pieces(stored, perPiece).map((piece) => translated.edit(piece).toString());
          expect(edited.join('')).toBe(
            texts.map((text, place) => line(providerLineId(prefix, place), text)).join(between),
          );
        },
      ),
    );
  });
});

it('a line has its id a second time where a label repeats it, and nowhere else', () => {
  const line = (id: string, label: string) =>
    `{"custom_id":"${id}"${labelBehindId}"${label}"},"contents":"${placeholderLineId}"}}`;
  const lines = new TranslatedLines(2, { prefix, model: 'm', separator: '\n' });
  const stored = [line(placeholderLineId, placeholderLineId), line(placeholderLineId, 'other')];

  const edited = lines.edit(Buffer.from(`${stored.join('\n')}\n`)).toString();

  const [first, second] = [providerLineId(prefix, 0), providerLineId(prefix, 1)];
  expect(edited).toBe([line(first, first), line(second, 'other')].join('\n'));
});

it('the first placeholder of a line is its id, also where a text like it stands where another line has its id', () => {
  const line = (before: number, after: number, id: string) =>
    `{"before":"${'b'.repeat(before)}","custom_id":"${id}","after":"${'a'.repeat(after)}","like":"${placeholderLineId}"}`;
  const quoted = `"${placeholderLineId}"`;
  const late = line(200, 0, placeholderLineId).indexOf(quoted);
  const alike = late - line(0, 0, placeholderLineId).lastIndexOf(quoted);
  const places: [number, number][] = [
    [200, 0],
    [0, alike],
    [1, alike - 1],
    [200, 0],
    [0, alike],
    [0, 0],
  ];
  const lines = new TranslatedLines(places.length, { prefix, model: 'm', separator: '\n' });

  const stored = places.map(([before, after]) => line(before, after, placeholderLineId));
  const edited = lines.edit(Buffer.from(`${stored.join('\n')}\n`)).toString();

  expect(stored[1]?.lastIndexOf(quoted)).toBe(late);
  expect(edited.split('\n')).toEqual(
    places.map(([before, after], place) => line(before, after, providerLineId(prefix, place))),
  );
});

it('a line of a chunk and a line by itself are read alike', async () => {
  const line = lineOf({ id: 'é', model: 'm', text: 'x', isModelFirst: true });
  async function* chunks() {
    yield Buffer.from(`first\n${line}\nlast`);
  }
  const lines = [];
  for await (const some of splitLines(chunks())) lines.push(...some);
  const [, inChunk] = lines;
  if (!inChunk) throw new Error('lost');
  const parsed = parseRequestLine(inChunk, '/v1/chat/completions');
  expect(parsed.ok && parsed.request).toMatchObject({ customId: 'é', model: 'm', bytes: Buffer.from(line) });
});
