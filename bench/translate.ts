import { parseRequestLine, type RequestLine } from '../lib/lines/request-line.ts';
import { type ProviderKind, providerKinds } from '../lib/providers/config.ts';
import type { AnsweredLine } from '../lib/providers/contract.ts';
import { type KnownProvider, providers } from '../lib/providers/registry.ts';
import { placeholderLineId } from '../lib/records/ids.ts';
import { median } from './data-path/measurement.ts';
import { printReport, type Row } from './data-path/report.ts';
import { answerText } from './translate/answers.ts';
import { modelOf, requestText } from './translate/requests.ts';

const rounds = 5;

/** Translating chat completions for each kind of provider and its answers back, against JSON.parse of the same lines. */
export function run({ json, lines }: { json: boolean; lines: number }): void {
  printReport(
    providerKinds.flatMap((kind) => rowsOf(kind, lines)),
    json,
  );
}

function rowsOf(kind: ProviderKind, lines: number): Row[] {
  const provider = providers[kind];
  const request = Buffer.from(requestText(kind));
  const answer = Buffer.from(answerText(kind));
  return [
    rowOf(`${kind}: request`, request, lines, () => translateRequest(provider, request, modelOf(kind))),
    rowOf(`${kind}: result`, answer, lines, () => translateResult(provider, answer)),
  ];
}

/** Yardstick and case take turns, so that whatever else the machine does strikes them alike. */
function rowOf(title: string, line: Buffer, lines: number, translate: () => void): Row {
  const parses: Time[] = [];
  const translations: Time[] = [];
  for (let round = 0; round < rounds; round += 1) {
    parses.push(timeOf(lines, () => JSON.parse(line.toString('utf8'))));
    translations.push(timeOf(lines, translate));
  }
  const medianOf = (times: readonly Time[], member: keyof Time) => median(times.map((time) => time[member]));
  const ratio = (member: keyof Time) => medianOf(translations, member) / medianOf(parses, member);
  return {
    case: title,
    megabytesPerSecond: (lines * line.length) / 1e6 / medianOf(translations, 'seconds'),
    timesParseOnly: ratio('seconds'),
    timesParseOnlyCpu: ratio('cpuSeconds'),
    timesUnordered: null,
    timesCopy: null,
    peakRssMegabytes: null,
  };
}

interface Time {
  seconds: number;
  cpuSeconds: number;
}

function timeOf(times: number, work: () => void): Time {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  for (let time = 0; time < times; time += 1) work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - startedAt) / 1_000, cpuSeconds: (user + system) / 1e6 };
}

/** From the line's own bytes, as Prepare does it. */
function translateRequest(provider: KnownProvider, bytes: Buffer, model: string): void {
  const translated = provider.translateRequest(parsed(bytes), { lineId: placeholderLineId, model });
  if (!translated.ok) throw new Error(translated.error.message);
}

function parsed(bytes: Buffer): RequestLine {
  const line = parseRequestLine({ lineNumber: 1, bytes }, '/v1/chat/completions');
  if (!line.ok) throw new Error(JSON.stringify(line.errors));
  return line.request;
}

const asked = {
  position: 0,
  customId: 'request-1',
  format: 'openai',
  endpoint: '/v1/chat/completions',
  attempts: 1,
} as const;

function translateResult(provider: KnownProvider, bytes: Buffer): void {
  const line: AnsweredLine = { ...asked, model: modelOf(provider.kind) };
  const result = provider.translateResult(bytes, () => line);
  if (result.kind !== 'answered' || !result.succeeded) throw new Error(JSON.stringify(result));
}
