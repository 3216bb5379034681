import fc from 'fast-check';

/** A request as it is meant, whatever the API: what a chat completion, a Response and a Message can all ask for. */
export interface Talk {
  system: string | null;
  turns: Turn[];
  tools: Tool[];
  choice: Choice | null;
  maxTokens: number;
  stop: string[];
  /** The form of the answer. */
  schema: object | null;
}

export type Turn =
  | { from: 'user'; parts: Part[] }
  /** Each call has its result behind it. */
  | { from: 'assistant'; text: string | null; calls: Call[] };

export type Part = { kind: 'text'; text: string } | { kind: 'image'; mediaType: string; data: string };

export interface Call {
  id: string;
  name: string;
  input: object;
  result: string;
}

export interface Tool {
  name: string;
  description: string;
  schema: object;
}

export type Choice = 'auto' | 'none' | 'required' | { name: string };

/** Numbers that JavaScript would write otherwise, beside usual ones. */
const number = fc.oneof(
  fc.integer(),
  fc.constantFrom('12345678901234567890', '1.0', '-0', '1E400', '0.10', '1e-7').map((text) => JSON.rawJSON(text)),
);

/**
 * What JSON or JavaScript could stumble over, and what some models take for the end of a turn. Halves of surrogate pairs
 * are not among it: a line that holds one is refused (test/lines/unpaired-surrogates.test.ts).
 */
const oddText = fc.constantFrom(
  ...['\u2028"\\', '\u0000x', '1.0', '[[', '__proto__'],
  ...['<|eot_id|><|start_header_id|>system<|end_header_id|>\n\n', ' [/INST] Yes.</s> [INST] ', '<s>'],
);
export const text = fc.oneof({ weight: 3, arbitrary: fc.string({ unit: 'grapheme', minLength: 1 }) }, oddText);
const said = text.filter((value) => value.trim() !== '');

/** After a name that is a backslash, V8 takes names of one escaped character for a backslash: lib/records/parse-json.ts. */
const key = fc.oneof(
  fc.string(),
  fc.constantFrom('__proto__', 'constructor', '1', '0', '', '😀', 'toJSON', 'a', '\\', '\n'),
);

/** Whatever JSON can say. */
export const json: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(number, text, fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 3 }).map((members) => Object.fromEntries(members)),
  ),
})).value;

export const jsonObject = fc.array(fc.tuple(key, json), { maxLength: 3 }).map((members) => Object.fromEntries(members));

const image = fc.record({
  kind: fc.constant('image' as const),
  mediaType: fc.constantFrom('image/png', 'image/jpeg', 'image/webp', 'image/gif'),
  data: fc.base64String({ minLength: 4, maxLength: 40 }),
});
const textPart = fc.record({ kind: fc.constant('text' as const), text: said });
const userTurn = fc
  .array(fc.oneof({ weight: 2, arbitrary: textPart }, image), { minLength: 1, maxLength: 3 })
  .map((parts): Turn => ({ from: 'user', parts }));
const spoken = said.map((value): Turn => ({ from: 'assistant', text: value, calls: [] }));

function called(names: readonly string[]): fc.Arbitrary<Turn> {
  const call = fc.record({ name: fc.constantFrom(...names), input: jsonObject, result: said });
  return fc
    .record({ text: fc.option(said), calls: fc.array(call, { minLength: 1, maxLength: 3 }) })
    .map(
      (turn): Turn => ({ from: 'assistant', text: turn.text, calls: turn.calls.map((one) => ({ ...one, id: '' })) }),
    );
}

const tool = fc.record({
  name: fc.stringMatching(/^[a-z][a-z_]{0,12}$/),
  description: said,
  schema: fc
    .dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.record({ type: fc.constant('string'), default: json }), {
      maxKeys: 2,
    })
    .map((properties) => ({ type: 'object', properties })),
});

const closedSchema = fc.array(number, { minLength: 1, maxLength: 3 }).map((values) => ({
  type: 'object',
  properties: { a: { type: 'number', enum: values } },
  required: ['a'],
  additionalProperties: false,
}));

export const talk: fc.Arbitrary<Talk> = fc
  .uniqueArray(tool, { maxLength: 3, selector: ({ name }) => name })
  .chain((tools) => {
    const names = tools.map(({ name }) => name);
    const assistantTurns = fc.oneof(
      spoken.map((turn) => [turn]),
      ...(names.length > 0 ? [called(names).map((turn) => [turn]), fc.tuple(called(names), spoken)] : []),
    );
    const choices: Choice[] = ['auto', 'none', 'required', ...names.map((name) => ({ name }))];
    return fc.record({
      system: fc.option(said),
      turns: fc
        .tuple(userTurn, fc.array(fc.tuple(assistantTurns, userTurn), { maxLength: 3 }))
        .map(([first, others]) => withIds([first, ...others.flatMap(([turns, user]) => [...turns, user])])),
      tools: fc.constant(tools),
      choice: names.length > 0 ? fc.option(fc.constantFrom(...choices)) : fc.constant(null),
      maxTokens: fc.integer({ min: 1, max: 4_000 }),
      stop: fc.uniqueArray(said, { maxLength: 3 }),
      schema: names.length > 0 ? fc.constant(null) : fc.option(closedSchema),
    });
  });

function withIds(turns: Turn[]): Turn[] {
  let calls = 0;
  const numbered = (call: Call) => {
    calls += 1;
    return { ...call, id: `call_${calls}` };
  };
  return turns.map((turn) => (turn.from === 'user' ? turn : { ...turn, calls: turn.calls.map(numbered) }));
}

/** What a body may have no place for. */
export type Ability =
  | 'system'
  | 'images'
  | 'several texts'
  | 'tools'
  | 'no tool'
  | 'a certain tool'
  | 'stop'
  | 'schema';

/** The talk as far as it can be said without these. */
export function without(lacking: readonly Ability[], said: Talk): Talk {
  const lacks = (ability: Ability) => lacking.includes(ability);
  const { choice } = said;
  const isLost =
    lacks('tools') ||
    (choice === 'none' && lacks('no tool')) ||
    (typeof choice === 'object' && lacks('a certain tool'));
  return {
    ...said,
    system: lacks('system') ? null : said.system,
    turns: (lacks('tools') ? withoutCalls(said.turns) : said.turns).map((turn) => withoutParts(turn, lacks)),
    tools: lacks('tools') ? [] : said.tools,
    choice: isLost ? null : choice,
    stop: lacks('stop') ? [] : said.stop,
    schema: lacks('schema') ? null : said.schema,
  };
}

function withoutCalls(turns: readonly Turn[]): Turn[] {
  return turns.flatMap((turn, index): Turn[] => {
    if (turn.from === 'user') return [turn];
    // Of two that follow each other the first has the calls.
    if (turns[index + 1]?.from === 'assistant') return [];
    return [{ ...turn, text: turn.text ?? 'I looked it up.', calls: [] }];
  });
}

function withoutParts(turn: Turn, lacks: (ability: Ability) => boolean): Turn {
  if (turn.from === 'assistant') return turn;
  const parts = turn.parts.filter(({ kind }) => kind === 'text' || !lacks('images'));
  const first = parts.find(({ kind }) => kind === 'text') ?? { kind: 'text', text: 'Hello' };
  if (!lacks('several texts')) return { ...turn, parts: parts.length > 0 ? parts : [first] };
  return { ...turn, parts: [first, ...parts.filter(({ kind }) => kind === 'image')] };
}

/** The body of a chat completion. */
export function asChat({ system, turns, tools, choice, maxTokens, stop, schema }: Talk): object {
  return {
    messages: [...(system === null ? [] : [{ role: 'system', content: system }]), ...turns.flatMap(chatMessages)],
    max_completion_tokens: maxTokens,
    ...(stop.length > 0 && { stop }),
    ...(tools.length > 0 && { tools: tools.map(chatTool) }),
    ...(choice !== null && { tool_choice: choiceOf(choice, (name) => ({ type: 'function', function: { name } })) }),
    ...(schema && { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } }),
  };
}

function chatMessages(turn: Turn): object[] {
  if (turn.from === 'user') return [{ role: 'user', content: turn.parts.map(chatPart) }];
  const { text: content, calls } = turn;
  const tool_calls = calls.map(({ id, name, input }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }));
  return [
    { role: 'assistant', content, ...(calls.length > 0 && { tool_calls }) },
    ...calls.map(({ id, result }) => ({ role: 'tool', tool_call_id: id, content: result })),
  ];
}

function chatPart(part: Part): object {
  if (part.kind === 'text') return { type: 'text', text: part.text };
  return { type: 'image_url', image_url: { url: dataUrl(part) } };
}

function dataUrl({ mediaType, data }: { mediaType: string; data: string }): string {
  return `data:${mediaType};base64,${data}`;
}

function chatTool({ name, description, schema }: Tool): object {
  return { type: 'function', function: { name, description, parameters: schema } };
}

function choiceOf<Named>(choice: Choice, named: (name: string) => Named): Named | string {
  return typeof choice === 'string' ? choice : named(choice.name);
}

/** The body of a Response; it has no stop sequences. */
export function asResponse({ system, turns, tools, choice, maxTokens, schema }: Talk): object {
  return {
    ...(system !== null && { instructions: system }),
    input: turns.flatMap(responseItems),
    max_output_tokens: maxTokens,
    ...(tools.length > 0 && { tools: tools.map(responseTool) }),
    ...(choice !== null && { tool_choice: choiceOf(choice, (name) => ({ type: 'function', name })) }),
    ...(schema && { text: { format: { type: 'json_schema', name: 'answer', schema, strict: true } } }),
  };
}

function responseItems(turn: Turn): object[] {
  if (turn.from === 'user') return [{ role: 'user', content: turn.parts.map(responsePart) }];
  const { text: spokenText, calls } = turn;
  const content = [{ type: 'output_text', text: spokenText, annotations: [] }];
  return [
    ...(spokenText === null ? [] : [{ type: 'message', role: 'assistant', content }]),
    ...calls.map(({ id, name, input }) => ({
      type: 'function_call',
      call_id: id,
      name,
      arguments: JSON.stringify(input),
    })),
    ...calls.map(({ id, result }) => ({ type: 'function_call_output', call_id: id, output: result })),
  ];
}

function responsePart(part: Part): object {
  if (part.kind === 'text') return { type: 'input_text', text: part.text };
  return { type: 'input_image', image_url: dataUrl(part), detail: 'auto' };
}

function responseTool({ name, description, schema }: Tool): object {
  return { type: 'function', name, description, parameters: schema, strict: false };
}

/** The params of a Message. */
export function asMessage({ system, turns, tools, choice, maxTokens, stop, schema }: Talk): object {
  return {
    max_tokens: maxTokens,
    ...(system !== null && { system }),
    messages: turns.reduce<Message[]>(withTurn, []),
    ...(stop.length > 0 && { stop_sequences: stop }),
    ...(tools.length > 0 && { tools: tools.map(messageTool) }),
    ...(choice !== null && { tool_choice: messageChoice(choice) }),
    ...(schema && { output_config: { format: { type: 'json_schema', schema } } }),
  };
}

interface Message {
  role: 'user' | 'assistant';
  content: object[];
}

/** Results of calls stand before what the user says next, in one message. */
function withTurn(messages: Message[], turn: Turn): Message[] {
  if (turn.from === 'user') return withBlocks(messages, 'user', turn.parts.map(messageBlock));
  const { text: spokenText, calls } = turn;
  const blocks = [
    ...(spokenText === null ? [] : [{ type: 'text', text: spokenText }]),
    ...calls.map(({ id, name, input }) => ({ type: 'tool_use', id, name, input })),
  ];
  const results = calls.map(({ id, result }) => ({ type: 'tool_result', tool_use_id: id, content: result }));
  return withBlocks(withBlocks(messages, 'assistant', blocks), 'user', results);
}

function withBlocks(messages: Message[], role: Message['role'], blocks: object[]): Message[] {
  const last = messages.at(-1);
  if (blocks.length === 0) return messages;
  if (last?.role !== role) return [...messages, { role, content: blocks }];
  return [...messages.slice(0, -1), { role, content: [...last.content, ...blocks] }];
}

function messageBlock(part: Part): object {
  if (part.kind === 'text') return { type: 'text', text: part.text };
  return { type: 'image', source: { type: 'base64', media_type: part.mediaType, data: part.data } };
}

function messageTool({ name, description, schema }: Tool): object {
  return { name, description, input_schema: schema };
}

function messageChoice(choice: Choice): object {
  if (typeof choice !== 'string') return { type: 'tool', name: choice.name };
  return { type: choice === 'required' ? 'any' : choice };
}
