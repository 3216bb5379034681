import { isJson, type Json } from './json.ts';

/** A part of what was asked or answered. */
export type Piece =
  | { kind: 'text'; text: string }
  /** A tool call, its result, or whatever has no form of its own here. */
  | { kind: 'json'; title: string; value: unknown }
  /** A picture within the line itself; others are named, and never loaded. */
  | { kind: 'image'; source: string };

/** What one side said. */
export interface Turn {
  role: string;
  pieces: Piece[];
}

function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isJson) : [];
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Members of a request's body that are its conversation; the others are parameters. */
const conversationMembers = ['messages', 'system', 'input', 'instructions', 'prompt'];

/** Reads a request's body in any of the forms that endpoints have; what is not known is shown as JSON. */
export function askedIn(body: unknown): Turn[] {
  if (!isJson(body))
    return body == null ? [] : [{ role: 'request', pieces: [{ kind: 'json', title: '', value: body }] }];
  const parameters = Object.fromEntries(Object.entries(body).filter(([name]) => !conversationMembers.includes(name)));
  return [
    ...saidBy('system', body.system),
    ...saidBy('instructions', body.instructions),
    ...objects(body.messages).map(turnOf),
    ...inputOf(body.input),
    ...saidBy('prompt', body.prompt),
    ...(Object.keys(parameters).length === 0 ? [] : [{ role: 'parameters', pieces: [jsonPiece('', parameters)] }]),
  ];
}

function saidBy(role: string, content: unknown): Turn[] {
  return content == null ? [] : [{ role, pieces: piecesOf(content) }];
}

/** Of the responses API a list of turns, else what the endpoint takes. */
function inputOf(input: unknown): Turn[] {
  if (Array.isArray(input) && input.length > 0 && input.every(isJson)) return objects(input).map(turnOf);
  return saidBy('input', input);
}

function turnOf(item: Json): Turn {
  const role = text(item.role) ?? text(item.type) ?? 'item';
  if (item.role === undefined && item.content === undefined) return { role, pieces: [pieceOf(item)] };
  const calls = objects(item.tool_calls).map((call) => jsonPiece('tool call', call.function ?? call));
  const named = [text(item.name), text(item.tool_call_id)].flatMap((name) => name ?? []);
  return { role: [role, ...named].join(' '), pieces: [...piecesOf(item.content), ...calls] };
}

function piecesOf(content: unknown): Piece[] {
  if (content == null) return [];
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }];
  if (Array.isArray(content) && content.every(isJson)) return objects(content).map(pieceOf);
  return [jsonPiece('', content)];
}

const dataImage = /^data:image\/(png|jpeg|gif|webp);base64,[a-z0-9+/=\s]+$/i;

function pieceOf(part: Json): Piece {
  const said = text(part.text) ?? text(part.refusal) ?? text(part.thinking);
  if (said !== null) return { kind: 'text', text: said };
  const source = imageIn(part);
  if (source !== null && dataImage.test(source)) return { kind: 'image', source };
  return jsonPiece((text(part.type) ?? '').replaceAll('_', ' '), part);
}

function imageIn(part: Json): string | null {
  const url = isJson(part.image_url) ? part.image_url.url : part.image_url;
  if (typeof url === 'string') return url;
  if (!isJson(part.source) || part.source.type !== 'base64') return null;
  return `data:${String(part.source.media_type)};base64,${String(part.source.data)}`;
}

function jsonPiece(title: string, value: unknown): Piece {
  return { kind: 'json', title, value };
}

/** Reads an answer's body in any of the forms that endpoints have; what is not known is shown as JSON. */
export function answeredIn(body: unknown): Turn[] {
  if (!isJson(body)) return body == null ? [] : [{ role: 'answer', pieces: piecesOf(body) }];
  const turns = [...choicesOf(body), ...outputOf(body), ...contentOf(body), ...vectorsOf(body)];
  const isEmpty = turns.every(({ pieces }) => pieces.length === 0);
  return isEmpty ? [...turns, { role: 'answer', pieces: [jsonPiece('', body)] }] : turns;
}

/** Chat completions and completions. */
function choicesOf(body: Json): Turn[] {
  return objects(body.choices).map((choice, index, all) => {
    const message = isJson(choice.message) ? choice.message : {};
    const calls = objects(message.tool_calls).map((call) => jsonPiece('tool call', call.function ?? call));
    const refusal = saidBy('', message.refusal).flatMap(({ pieces }) => pieces);
    const images = objects(message.images).map(pieceOf);
    const pieces = [...piecesOf(message.content ?? choice.text), ...refusal, ...calls, ...images];
    const reason = text(choice.finish_reason);
    const number = all.length > 1 ? ` ${index + 1}` : '';
    return { role: `${text(message.role) ?? 'answer'}${number}${reason === null ? '' : ` · ${reason}`}`, pieces };
  });
}

/** The responses API. */
function outputOf(body: Json): Turn[] {
  return objects(body.output).map((item) => {
    if (item.type === 'message') return { role: text(item.role) ?? 'assistant', pieces: piecesOf(item.content) };
    if (item.type === 'function_call')
      return { role: 'tool call', pieces: [jsonPiece(text(item.name) ?? '', item.arguments)] };
    return { role: (text(item.type) ?? 'item').replaceAll('_', ' '), pieces: [jsonPiece('', item)] };
  });
}

/** Anthropic's messages. */
function contentOf(body: Json): Turn[] {
  if (body.type !== 'message') return [];
  const reason = text(body.stop_reason);
  return [
    {
      role: `${text(body.role) ?? 'assistant'}${reason === null ? '' : ` · ${reason}`}`,
      pieces: piecesOf(body.content),
    },
  ];
}

/** Embeddings: nobody reads the numbers. */
function vectorsOf(body: Json): Turn[] {
  return objects(body.data).flatMap(({ embedding }, index) => {
    if (embedding === undefined) return [];
    const size = Array.isArray(embedding) ? `${embedding.length} numbers` : 'base64';
    return [{ role: `embedding ${index + 1}`, pieces: [{ kind: 'text' as const, text: size }] }];
  });
}

/** What was said, on one line. */
export function excerptOf(turns: readonly Turn[]): string {
  const said = turns
    .filter(({ role }) => role !== 'parameters')
    .flatMap(({ pieces }) => pieces)
    .map((piece) =>
      piece.kind === 'text' ? piece.text : piece.kind === 'image' ? '[image]' : JSON.stringify(piece.value),
    );
  return said.join(' ');
}
