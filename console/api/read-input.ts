import { type Endpoint, endpointOf } from '../../lib/records/endpoints.ts';
import { inputNames, isTableName, kindByName } from '../../lib/records/table-kind.ts';
import { isJson, type Json } from '../format/json.ts';

/** A file as the page knows it before it is sent. */
export interface Input {
  file: File;
  isTable: boolean;
  /** What its first requests are for; null for a table, and where its beginning does not say it. */
  endpoint: Endpoint | null;
  /** The columns of a table, where its first line names them. */
  columns: string[];
  /** Its first lines, as they stand. */
  beginning: string;
}

/** Long enough for a request with a long text, and read at once. */
const beginningBytes = 256 * 1024;

/** @throws Error with a sentence for whoever chose the file. */
export async function readInput(file: File): Promise<Input> {
  const kind = kindByName(file.name);
  if (kind === null) throw new Error(`The file must be named ${inputNames}.`);
  if (file.size === 0) throw new Error('The file is empty.');
  const beginning = await file.slice(0, beginningBytes).text();
  const isTable = isTableName(file.name);
  return {
    file,
    isTable,
    endpoint: isTable ? null : endpointIn(beginning),
    columns: isTable ? columnsIn(beginning, kind) : [],
    beginning: beginning.slice(0, 2_000),
  };
}

/** As the first line in OpenAI's form says; of lines in Anthropic's own form `/v1/messages`. */
function endpointIn(beginning: string): Endpoint | null {
  let native: Endpoint | null = null;
  for (const line of beginning.split('\n').slice(0, 100)) {
    const request = parsed(line);
    const endpoint = endpointOf(request?.url);
    if (endpoint !== null) return endpoint;
    if (request && isJson(request.params)) native = '/v1/messages';
  }
  return native;
}

function columnsIn(beginning: string, kind: string): string[] {
  const [first = ''] = beginning.split(/\r?\n/, 1);
  if (kind === 'json') return Object.keys(parsed(first) ?? {});
  const delimiter = kind === 'tsv' ? '\t' : ',';
  return first.split(delimiter).map((name) => name.replace(/^"|"$/g, '').trim());
}

/** @returns what a template makes requests for. */
export function endpointOfTemplate(template: Json): Endpoint | null {
  if (isJson(template.params)) return '/v1/messages';
  const own = endpointOf(template.url);
  if (own !== null) return own;
  const body = isJson(template.body) ? template.body : template;
  return Array.isArray(body.messages) ? '/v1/chat/completions' : null;
}

/** @returns null for what is no JSON object. */
export function parsed(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : null;
  } catch {
    return null;
  }
}
