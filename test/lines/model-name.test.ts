import { describe, expect, it } from 'vitest';
import { modelNameProblem } from '../../lib/lines/model-name.ts';
import { parseRequestLine } from '../../lib/lines/request-line.ts';
import { encodedModel, encodedName } from '../../lib/providers/google-family/api.ts';

const knownNames = [
  'gpt-5-mini',
  'ft:gpt-4o-mini-2024-07-18:org:name:id',
  'openai/gpt-oss-20b',
  'meta-llama/Llama-3.3-70B-Instruct-Turbo',
  'anthropic.claude-sonnet-4-5-20250929-v1:0',
  'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc',
  'deepseek-v3.1',
  'Modell für Prüfungen',
];

describe("a model's name", () => {
  it.each(knownNames)('may be %s', (name) => {
    expect(modelNameProblem(name)).toBeNull();
  });

  it.each([
    ['leaves its path', 'gemini-x/../../tunedModels/secret-model'],
    ['begins with a climb', '../x'],
    ['ends with one', 'gemini-x/..'],
    ['stays where it is', 'gemini-x/./y'],
    ['has a line break', 'gpt\n5'],
    ['has a backslash', 'gemini-x\\..\\y'],
    ['has half a character', 'gpt-\ud83d'],
    ['is a prompt', 'word '.repeat(400)],
  ])('that %s makes an error of its line', (_what, model) => {
    const line = { custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body: { model, messages: [] } };
    const bytes = Buffer.from(JSON.stringify(line));

    const parsed = parseRequestLine({ lineNumber: 1, bytes }, undefined);

    const error = expect.objectContaining({ param: 'body.model', code: 'invalid_request' });
    expect(parsed).toMatchObject({ ok: false, errors: expect.arrayContaining([error]) });
    expect(JSON.stringify(parsed).length).toBeLessThan(1_000);
  });

  it('steers no path at Google', () => {
    const url = new URL(`https://example.com/v1beta/models/${encodedModel('x/../../tunedModels/y')}:generateContent`);
    expect(url.pathname).toMatch(/^\/v1beta\/models\/[^/]+:generateContent$/);
    expect(() => encodedName('batches/../x')).toThrow('..');
    expect(encodedName('batches/a 1')).toBe('batches/a%201');
  });
});
