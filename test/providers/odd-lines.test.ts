import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExact } from '../../lib/lines/exact-json.ts';
import { parseRequestLine, type RequestLine } from '../../lib/lines/request-line.ts';
import type { TranslatedRequest, TranslatedResult } from '../../lib/providers/contract.ts';
import type { Endpoint } from '../../lib/records/endpoints.ts';
import { isObject, type JsonObject } from '../../lib/records/json.ts';
import type { Answer } from '../fixtures/providers/model-answers.ts';
import { runs } from '../seed.ts';
import { answer, answerable, resultText } from './support/answer.ts';
import { answered, lineId, lineOf, resultLine } from './support/lines.ts';
import { json, talk } from './support/talk.ts';
import { requestForms, targets, writtenLine } from './support/translation-targets.ts';

/** Where something else is put, or nothing at all. */
interface Change {
  /** Picks one of all the places in a value. */
  place: number;
  value: unknown;
  how: 'replace' | 'remove' | 'add';
}

/** Stands for lists within lists, which JSON.stringify cannot write. */
const deepMark = '@deep';
const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;

const oddValue = fc.oneof(
  json,
  fc.constantFrom({ toString: 1 }, [{ toString: 1 }], deepMark),
  fc.constantFrom('text', 'user', 'assistant', 'tool', 'function', 'tool_use', 'message', '', -1, 1e308, [], {}),
);
const changes = fc.array(
  fc.record<Change>({ place: fc.nat(), value: oddValue, how: fc.constantFrom('replace', 'remove', 'add') }),
  { minLength: 1, maxLength: 3 },
);

/** A result that was written anew, with a body that JSON.stringify cannot write. */
const twiceDeep: Change[] = [
  { place: 915_477, value: deepMark, how: 'replace' },
  { place: 2_084_980_755, value: deepMark, how: 'replace' },
];
const calledOnce: Answer = {
  text: null,
  calls: [{ id: 'AaAAAA00a', name: 'a', input: {} }],
  isCut: false,
  tokens: { input: 0, cached: 0, output: 0 },
};

type Container = JsonObject | unknown[];

function containersIn(value: unknown): Container[] {
  if (Array.isArray(value)) return [value, ...value.flatMap(containersIn)];
  return isObject(value) ? [value, ...Object.values(value).flatMap(containersIn)] : [];
}

/** The JSON of it with some of its places changed. */
function changed(whole: object, all: readonly Change[]): string {
  return all.reduce((json, change) => {
    const copy = parseExact(json);
    const containers = containersIn(copy);
    const container = containers[change.place % containers.length];
    if (container) changeIn(container, change);
    return JSON.stringify(copy);
  }, JSON.stringify(whole));
}

function objectIn(json: string): object {
  const value = parseExact(json);
  return isObject(value) ? value : {};
}

/** Names of members that some API reads somewhere, and of those that JavaScript has. */
const addedNames = [
  ...['__proto__', 'constructor', '7', 'type', 'role', 'content', 'name', 'source', 'refusal', 'tool_calls'],
  ...['thinking', 'output_config', 'metadata', 'system', 'temperature', 'top_p', 'user', 'n', 'seed', 'logprobs'],
  ...['instructions', 'text', 'reasoning', 'reasoning_effort', 'include', 'response_format', 'parallel_tool_calls'],
  ...['tool_choice', 'error', 'usage', 'citations', 'annotations', 'extra_content', 'candidates', 'status'],
];

function changeIn(container: Container, { place, value, how }: Change): void {
  if (Array.isArray(container) && how === 'add') {
    container.push(value);
    return;
  }
  const keys = Object.keys(container);
  const key = keys[place % Math.max(1, keys.length)] ?? 'x';
  const named = how === 'add' ? (addedNames[place % addedNames.length] ?? 'x') : key;
  if (how === 'remove') Reflect.deleteProperty(container, key);
  else Reflect.defineProperty(container, named, { value, enumerable: true, configurable: true, writable: true });
}

function expectLineOrRefusal(translated: TranslatedRequest): void {
  if (!translated.ok) {
    expect(translated.error).toEqual({
      code: expect.stringMatching(/./),
      message: expect.stringMatching(/./),
      param: expect.stringMatching(/./),
    });
    return;
  }
  const text = translated.bytes.toString();
  expect(text).not.toContain('\n');
  expect(Object.values(JSON.parse(text))[0]).toBe(lineId);
}

/** @returns null for a line with half of a surrogate pair, which is refused before anything is translated. */
function validLine(text: string, endpoint?: Endpoint): RequestLine | null {
  const parsed = parseRequestLine({ lineNumber: 1, bytes: Buffer.from(text) }, endpoint);
  if (parsed.ok) return parsed.request;
  expect(parsed.errors).toMatchObject([
    { code: expect.stringMatching(/./), message: expect.stringContaining('surrogate') },
  ]);
  expect(text).toMatch(/\\u[dD][89a-fA-F]/);
  return null;
}

function expectResult(result: TranslatedResult): void {
  if (result.kind === 'answered') expect(resultLine(result).custom_id).toBe('mine');
  else expect(['malformed', 'foreign']).toContain(result.kind);
}

describe.each(targets)('for $name', ({ provider, model }) => {
  it.each(requestForms)('$name is translated or refused, and never loses its id, however odd it is', (form) => {
    fc.assert(
      fc.property(talk, changes, (said, odd) => {
        const text = writtenLine(form, model, objectIn(changed(form.bodyOf(said), odd)));
        const line = validLine(text, form.endpoint);
        if (line) expectLineOrRefusal(provider.translateRequest(line, { lineId, model }));
      }),
      { numRuns: runs(25) },
    );
  });

  it.each(requestForms)('a result for $name is read or called malformed, however odd it is', (form) => {
    fc.assert(
      fc.property(answer, changes, (given, odd) => {
        const line = objectIn(resultText(provider.kind, lineId, answerable(given, model), model));
        const bytes = Buffer.from(changed(line, odd).replaceAll(`"${deepMark}"`, deep));
        expectResult(
          provider.translateResult(bytes, answered({ endpoint: form.endpoint, format: form.format, model })),
        );
      }),
      { numRuns: runs(25), examples: [[calledOnce, twiceDeep]] },
    );
  });
});

/** A chat completion with this text in the place of one of its values. */
const places: Record<string, (value: string) => string> = {
  content: (value) => `"messages":[{"role":"user","content":${value}}]`,
  part: (value) => `"messages":[{"role":"user","content":[{"type":"text","text":"a","x":${value}}]}]`,
  parameters: (value) =>
    `"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"a":${value}}}}]`,
  arguments: (value) =>
    `"messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":${JSON.stringify(`{"a":${value}}`)}}}]},{"role":"tool","tool_call_id":"c","content":"b"}]`,
  schema: (value) =>
    `"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"a":${value}}}}`,
  'unknown member': (value) => `"messages":[{"role":"user","content":"a"}],"x":${value}`,
};

const oddities: Record<string, string> = {
  'lists within lists': `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  'objects within objects': `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  'members twice': '{"a":1,"a":[],"type":"object","type":null}',
  'half a character': '"\\ud800"',
};

function placedLine(model: string, placed: string): string {
  const body = `{"model":"${model}","max_tokens":5,${placed}}`;
  return `{"custom_id":"mine","method":"POST","url":"/v1/chat/completions","body":${body}}`;
}

describe.each(targets)('for $name', ({ provider, model }) => {
  it('a text of 1 MB goes through as it is', () => {
    const text = JSON.stringify('ä😀'.repeat(175_000));
    const line = placedLine(model, `"messages":[{"role":"user","content":${text}}]`);
    const translated = provider.translateRequest(lineOf(line), { lineId, model });
    expect(translated.ok && translated.bytes.includes(text.slice(1, -1))).toBe(true);
  });

  it.each(Object.entries(oddities))('%s is translated or refused, wherever it stands', (_name, value) => {
    for (const placed of Object.values(places)) {
      const line = validLine(placedLine(model, placed(value)));
      if (line) expectLineOrRefusal(provider.translateRequest(line, { lineId, model }));
    }
  });
});
