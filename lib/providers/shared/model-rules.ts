import type { RuleMode } from '../account.ts';
import type { RuleSource } from '../contract.ts';
import type { TranslationNotes } from './chat/translation-notes.ts';

/** What a table says of models. */
export interface ModelRow<Rule extends string = string> {
  /** Their names, without dates and versions of a cloud. */
  models: readonly string[];
  /** Where each rule was read of these very models. A rule without a source is from memory: it warns and refuses nothing. */
  sources: Readonly<Partial<Record<Rule, RuleSource>>>;
}

/** The row of a model, or the one that comes nearest to it. */
export interface FoundRow<Row extends ModelRow> {
  row: Row;
  isListed: boolean;
}

/** Holds a request against the row of its model. */
export class ModelRules<Rule extends string = string, Row extends ModelRow<Rule> = ModelRow<Rule>> {
  readonly row: Row;
  readonly #model: string;
  readonly #isListed: boolean;
  readonly #mode: RuleMode;
  readonly #notes: TranslationNotes;

  constructor(model: string, { row, isListed }: FoundRow<Row>, mode: RuleMode, notes: TranslationNotes) {
    this.row = row;
    this.#model = model;
    this.#isListed = isListed;
    this.#mode = mode;
    this.#notes = notes;
  }

  /**
   * Refuses what the model is known to answer with an error. What is from memory, and what is asked of a model in no row, goes as it is
   * written, with a warning.
   *
   * @param what what the model does not do, as in "takes no forced tools".
   * @param advice what to write instead.
   */
  refuse(rule: Rule, param: string, what: string, advice: string): void {
    if (this.#holds && this.row.sources[rule])
      throw this.#notes.refused(param, `'${this.#model}' ${what}: ${advice}. ${this.#said(rule)}`);
    this.#warn(rule, param, what);
  }

  /** @returns whether the parameter is left out, since the model refuses it; else it goes as it is written. */
  drops(rule: Rule, param: string, what: string): boolean {
    const known = this.row.sources[rule] ? '' : ', from memory';
    if (this.#holds) this.#notes.drop(param, `'${this.#model}' ${what}${known}`);
    else this.#warn(rule, param, what);
    return this.#holds;
  }

  get #holds(): boolean {
    return this.#isListed && this.#mode === 'enforce';
  }

  #warn(rule: Rule, param: string, what: string): void {
    if (this.#mode === 'off') return;
    const [nearest = ''] = this.row.models;
    const whose = this.#isListed
      ? `'${this.#model}' ${what}`
      : `'${this.#model}' stands in no row of the table of models; the nearest, '${nearest}', ${what}`;
    const message = `'${param}' goes as it is written, but ${whose}. ${this.#said(rule)}`;
    this.#notes.add({ param, code: 'model_rule', message });
  }

  #said(rule: Rule): string {
    const source = this.row.sources[rule];
    const where = source ? `Source: ${source.source}, read ${source.read}` : 'This is from memory';
    return `${where}; 'model_rules' of the account lifts this.`;
  }
}

/** A name without a cloud's prefix, a date or a version: `us.anthropic.claude-opus-4-20250514-v1:0` is `claude-opus-4`. */
export function plainModelName(model: string): string {
  return model
    .slice(model.lastIndexOf('/') + 1)
    .replace(/^(?:[a-z-]+\.)*(?=claude|gemini)/, '')
    .replace(/@.*$|-v\d+(?::\d+)?$/s, '')
    .replace(/-(?:20\d{6}|latest|00\d)$/, '')
    .replaceAll(/(\d)\.(?=\d)/g, '$1-');
}

/** 4.6 is 406; what has no version is newer than all. */
export function versionOf(plainName: string): number {
  const match = /-(\d{1,2})(?:-(\d{1,2}))?(?!\d)/.exec(plainName);
  return match ? Number(match[1]) * 100 + Number(match[2] ?? 0) : Number.MAX_SAFE_INTEGER;
}

/** Finds rows by name; of names that no row has, the nearest by tier and version. Names are remembered, since lines repeat them. */
export class ModelTable<Row extends ModelRow> {
  readonly rows: readonly Row[];
  readonly #byName = new Map<string, Row>();
  readonly #found = new Map<string, FoundRow<Row>>();

  constructor(rows: readonly Row[]) {
    this.rows = rows;
    for (const row of rows) for (const name of row.models) this.#byName.set(name, row);
  }

  find(model: string): FoundRow<Row> {
    const known = this.#found.get(model);
    if (known) return known;
    const name = plainModelName(model);
    const row = this.#byName.get(name);
    const found = row ? { row, isListed: true } : { row: this.#nearest(name), isListed: false };
    if (this.#found.size < 1_000) this.#found.set(model, found);
    return found;
  }

  #nearest(name: string): Row {
    const distances = [...this.#byName].map(([listed, row]) => ({ row, distance: distanceBetween(name, listed) }));
    const [nearest] = distances.toSorted((one, other) => one.distance - other.distance);
    if (!nearest) throw new Error('A table of models has no row.');
    return nearest.row;
  }
}

/** Versions count more than tiers: what a service stopped taking, it stopped for all of its newer models. */
function distanceBetween(name: string, listed: string): number {
  const [wanted, given] = [versionOf(name), versionOf(listed)].map((version) => Math.min(version, 99_99));
  return Math.abs((wanted ?? 0) - (given ?? 0)) * 10 + (tierOf(name) === tierOf(listed) ? 0 : 5);
}

function tierOf(name: string): string {
  return name.replaceAll(/[\d-]+/g, ' ').trim();
}
