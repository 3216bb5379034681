import type { Prices, Provider, ProviderLimits, SaidRule } from '../lib/providers/contract.ts';
import type { Endpoint } from '../lib/records/endpoints.ts';
import { between } from './generated-part.ts';

/**
 * Puts the tables of all providers between the marks of a page.
 *
 * @param page docs/providers.md as it stands.
 * @throws Error where the page lacks its marks.
 */
export function withProviderTables(page: string, providers: readonly Provider[]): string {
  return between(page, 'lib/providers', providerTables(providers));
}

function providerTables(providers: readonly Provider[]): string {
  return [
    '### Limits of one batch',
    table(limitColumns, providers),
    '### What happens to a line',
    table(lineColumns, providers),
    '### How far it can be relied on',
    table(trustColumns, providers),
    '### What single models take',
    modelRows(providers),
  ].join('\n\n');
}

type Columns = Record<string, (provider: Provider) => string>;

const limitColumns: Columns = {
  Provider: ({ notes }) => `[${notes.title}](${notes.source})`,
  Kind: ({ kind }) => code(kind),
  Requests: ({ limits }) => requestsOf(limits),
  'Bytes, newlines included': ({ limits }) => count(limits.maxBytes),
  'Embedding inputs': ({ limits }) => count(limits.maxEmbeddingInputs),
  'Creates an hour': ({ limits }) => count(limits.createsPerHour),
  'Off the list price': ({ prices }) => discountsOf(prices),
  Models: ({ direct }) => (direct.mixesModels ? 'any' : 'one'),
};

const lineColumns: Columns = {
  Provider: ({ notes }) => notes.title,
  'Sent with their own bytes': (provider) =>
    list(provider.endpoints.filter((endpoint) => isNative(provider, endpoint)).map(code)),
  Translated: (provider) => list(provider.endpoints.filter((endpoint) => !isNative(provider, endpoint)).map(code)),
  'Left out or changed, with a warning': ({ notes }) => list(notes.warned),
  Refused: ({ notes }) => list(notes.refused),
};

const trustColumns: Columns = {
  Provider: ({ notes }) => notes.title,
  'A lost create is known by': ({ notes }) => notes.lostCreateProof,
  'Keeps metadata': ({ direct }) => yesOrNo(direct.keepsMetadata),
  'custom_ids that the library may send': ({ direct }) => (direct.customIds ? code(direct.customIds.source) : 'any'),
  'Run against the real service': ({ notes }) => yesOrNo(notes.isConfirmed),
};

/** One row for models that take the same; each rule with the place and the month in which it was read. */
function modelRows(providers: readonly Provider[]): string {
  const rows = providers.flatMap(({ notes, modelTable = [] }) =>
    modelTable.map(({ models, says }) => [list(models.map(code)), notes.title, list(bySource(says))]),
  );
  const names = ['Models', 'Provider', 'What they take (where that was read)'];
  return [names, names.map(() => '---'), ...rows].map(row).join('\n');
}

/** Rules that were read in one place stand together. */
function bySource(rules: readonly SaidRule[]): string[] {
  const saysBySource = Map.groupBy(rules, ({ source }) => sourceName(source));
  return [...saysBySource].map(([source, said]) => `${said.map(({ says }) => says).join(', ')} (${source})`);
}

function sourceName(source: SaidRule['source']): string {
  if (source === null) return 'from memory';
  const [, host, name] = /^https:\/\/([^/]+)\/.*?([^/#]+(?:#.*)?)$/.exec(source.source) ?? [];
  return `${host === undefined ? source.source : `[${host}: ${name}](${source.source})`}, ${source.read}`;
}

function requestsOf({ minRequests, maxRequests }: ProviderLimits): string {
  if (minRequests === Number.POSITIVE_INFINITY) return 'one by one';
  return minRequests === undefined ? count(maxRequests) : `${count(minRequests)} to ${count(maxRequests)}`;
}

function discountsOf({ batchDiscount, discountOfModels = {}, undiscounted = {} }: Prices): string {
  const special = Object.entries(discountOfModels).map(([pattern, discount]) => `${code(pattern)} ${discount * 100}%`);
  const kinds = new Set(Object.values(undiscounted).flat());
  const some = '*' in undiscounted && Object.keys(undiscounted).length > 1 ? ' of some models' : '';
  const same = [...kinds].filter((kind) => kind !== 'cachedAsInput').map((kind) => `${kind} tokens`);
  const exceptions = [
    ...(same.length > 0 ? [`nothing off ${same.join(' and ')}${some}`] : []),
    ...(kinds.has('cachedAsInput') ? [`cached tokens${some} as other input`] : []),
  ];
  return [`${batchDiscount * 100}%`, ...special, ...exceptions].join(', ');
}

/** Whether lines of that endpoint keep their own bytes; Messages do in Anthropic's own form. */
function isNative(provider: Provider, endpoint: Endpoint): boolean {
  return provider.passesThrough({ format: endpoint === '/v1/messages' ? 'anthropic' : 'openai', endpoint });
}

function table(columns: Columns, providers: readonly Provider[]): string {
  const names = Object.keys(columns);
  const rows = providers.map((provider) => Object.values(columns).map((cell) => cell(provider)));
  return [names, names.map(() => '---'), ...rows].map(row).join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function list(items: readonly string[]): string {
  return items.join(', ') || '-';
}

function count(number: number | null): string {
  return number === null ? '-' : number.toLocaleString('en-US');
}

function yesOrNo(is: boolean): string {
  return is ? 'yes' : 'no';
}
