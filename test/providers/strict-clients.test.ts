import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../../lib/records/endpoints.ts';
import { isObject, type JsonObject } from '../../lib/records/json.ts';
import { examineMessage } from '../../simulators/anthropic/messages.ts';
import { examine } from '../../simulators/openai/endpoints.ts';
import { SeededRandom } from '../../simulators/seeded-random.ts';
import { wires } from '../fixtures/providers/every-provider.ts';
import { type Answer, isClaude } from '../fixtures/providers/model-answers.ts';
import { answerable } from './support/answer.ts';
import { type AnswerSource, answerOutcome, answerSources } from './support/corpus.ts';
import { answered, lineId, resultLine } from './support/lines.ts';
import { allAnswerShapes } from './support/published-answers.ts';
import { documentedFixture } from './support/request-fixture.ts';
import { targets } from './support/translation-targets.ts';

/** Clients that take an answer apart by its type reject one that lacks a member: every answer that we write has them all. */

const forms = {
  '/v1/chat/completions': 'ChatCompletion',
  '/v1/responses': 'Response',
  '/v1/messages': 'Message',
} as const satisfies Partial<Record<Endpoint, string>>;

const endpoints = Object.keys(forms) as (keyof typeof forms)[];

/** Python's, not packages of ours: `pip install openai anthropic`, for this interpreter. */
const python = process.env.STRICT_CLIENTS_PYTHON ?? 'python3';
const isThere = spawnSync(python, ['-c', 'import openai, anthropic']).status === 0;

const checker = `
import json, sys
from anthropic.types import Message
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
models = {'ChatCompletion': ChatCompletion, 'Message': Message, 'Response': Response}
for line in sys.stdin:
    form, name, body = json.loads(line)
    try:
        models[form].model_validate_json(json.dumps(body), strict=True)
    except Exception as error:
        print(name, str(error)[:400].replace(chr(10), ' '))
`;

it.skipIf(!isThere)(
  'each answer passes the models of openai and anthropic for Python in strict mode, where they are installed',
  () => {
    const lines = endpoints.flatMap((endpoint) =>
      answerSources.filter(isTranslated(endpoint)).flatMap((source) =>
        allAnswerShapes[source.type].shapes.flatMap((shape) => {
          const outcome = answerOutcome(shape, source, endpoint);
          if (!('text' in outcome)) return [];
          const body = bodyOf(JSON.parse(outcome.text));
          return [JSON.stringify([forms[endpoint], `${source.name}, ${endpoint}, ${shape.path}:`, body])];
        }),
      ),
    );
    expect(lines.length).toBeGreaterThan(1_000);
    lines.push(...simulated().map((line) => JSON.stringify(line)));
    const { stdout, stderr } = spawnSync(python, ['-c', checker], { input: lines.join('\n'), encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.split('\n').filter(Boolean)).toEqual([]);
  },
);

/** What the simulators answer. */
function simulated(): [string, string, unknown][] {
  const seed = { random: new SeededRandom('a'), ids: new SeededRandom('b'), createdSeconds: 1 };
  const tools = [{ type: 'function', name: 'f', parameters: {}, strict: false }];
  const asked = { model: 'gpt-5.4-mini', input: 'Name one river.' };
  const responses = [asked, { ...asked, tools, tool_choice: 'required' }, { ...asked, max_output_tokens: 20 }];
  const messages = [{ role: 'user', content: 'Name one river.' }];
  const claude = examineMessage({ model: 'claude-opus-4-6', max_tokens: 100, messages }, '2023-06-01');
  const answersOf = (endpoint: keyof typeof forms, bodies: JsonObject[]) =>
    bodies.map((body): [string, string, unknown] => {
      const examination = examine(endpoint, body);
      const answer = 'answer' in examination ? examination.answer(seed).body : examination;
      return [forms[endpoint], `simulated ${JSON.stringify(body)}:`, answer];
    });
  return [
    ...answersOf('/v1/responses', responses),
    ...answersOf('/v1/chat/completions', [{ model: 'gpt-4o-mini', messages }]),
    ['Message', 'simulated Message:', 'answer' in claude ? claude.answer(seed).message : claude],
  ];
}

/** What a provider answers in a form that it has itself keeps its bytes. */
function isTranslated(endpoint: Endpoint) {
  return ({ provider, model }: Pick<AnswerSource, 'provider' | 'model'>) =>
    !provider.passesThrough({ format: 'openai', endpoint }) && !(endpoint === '/v1/messages' && isClaude(model));
}

function bodyOf({ response, result }: JsonObject): unknown {
  return isObject(response) ? response.body : isObject(result) ? result.message : null;
}

const tokens = { input: 12, cached: 4, output: 7 };
const call = { id: 'call00001', name: 'find_river', input: { country: 'Peru' } };
const answers: Record<string, Answer> = {
  calls: { text: 'Let me see.', calls: [call], isCut: false, tokens },
  cut: { text: 'The', calls: [], isCut: true, tokens },
};

/** One of those that answer alike. */
const shown = /^(groq|anthropic|gemini.*2\.5|bedrock.*(nova|llama)|mistral),? /;

describe('the compiler', () => {
  it.each(endpoints)('finds no fault in an answer to %s that is in no form of its provider', async (endpoint) => {
    const bodies = targets
      .filter(({ name }) => shown.test(name))
      .filter(isTranslated(endpoint))
      .flatMap(({ name, provider, model }) =>
        Object.entries(answers).flatMap(([what, answer]) => {
          const line = wires[provider.kind].resultLine(lineId, answerable(answer, model), model);
          const find = answered({ endpoint, model });
          const result = provider.translateResult(Buffer.from(JSON.stringify(line)), find);
          return [[`${name}: ${what}`, bodyOf(resultLine(result))] as const];
        }),
      );
    const text = documentedFixture(Object.fromEntries(bodies), forms[endpoint], lineId);
    await expect(text).toMatchFileSnapshot(`../fixtures/answers/${forms[endpoint]}.ts`);
  });
});
