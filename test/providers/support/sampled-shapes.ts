import { isObject, type JsonObject } from '../../../lib/records/json.ts';
import type { Member, PublishedType } from './published-types.ts';

/** A value of a published type in which one thing is said that its simplest value does not say. */
export interface Shape {
  /** Where that stands: `messages[].content[].image_url.detail`. */
  path: string;
  value: JsonObject;
  /** The same without it. */
  plain: JsonObject;
  /** What is varied, alone. */
  part: unknown;
}

export interface Sampling {
  /** What a value has at a path besides its required members. */
  bases?: Readonly<Record<string, JsonObject>>;
  /** Values for paths whose type does not say enough, the first that fits; `MARK` in a text is replaced by a mark. */
  samples?: readonly (readonly [RegExp, readonly unknown[]])[];
  /** Paths that are not varied. */
  skips?: RegExp;
  /** How many members deep is varied; what lies below has its simplest value. */
  maxDepth: number;
}

/** Begins what is a mark; letters and digits alone stand anywhere, in ids and names as well. */
const markPattern = /mark\d+x|\b7\d{6}\b/g;

export function marksIn(text: string): string[] {
  return [...new Set(text.match(markPattern))];
}

/** Samples a type. Every member, every variant and every word of it stands in one shape at least. */
export class Sampler {
  readonly #sampling: Sampling;
  /** Types that could not be read, by path. */
  readonly unread = new Set<string>();
  #marks = 0;

  constructor(sampling: Sampling) {
    this.#sampling = sampling;
  }

  shapes(type: PublishedType): Shape[] {
    const simplest = JSON.stringify(this.#simplest(type, ''));
    const shapes = [...this.#variants(type, '', 0)].flatMap(({ plain, value, ...shape }): Shape[] =>
      isObject(value) && isObject(plain) ? [{ ...shape, value, plain }] : [],
    );
    const seen = new Set([unmarked(simplest)]);
    return shapes.filter(({ value }) => {
      const text = unmarked(JSON.stringify(value));
      return !seen.has(text) && seen.add(text);
    });
  }

  #mark(): string {
    this.#marks += 1;
    return `mark${this.#marks}x`;
  }

  #number(): number {
    this.#marks += 1;
    return 7_000_000 + this.#marks;
  }

  #sampleAt(path: string): readonly unknown[] | null {
    const found = this.#sampling.samples?.find(([pattern]) => pattern.test(path));
    return found ? found[1].map((value) => this.#marked(value)) : null;
  }

  #marked(value: unknown): unknown {
    if (typeof value === 'string') return value.replace('MARK', this.#mark());
    if (Array.isArray(value)) return value.map((item) => this.#marked(item));
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.#marked(member)]));
  }

  #simplest(type: PublishedType, path: string): unknown {
    const [sample] = this.#sampleAt(path) ?? [];
    if (sample !== undefined) return sample;
    switch (type.kind) {
      case 'text':
        return this.#mark();
      case 'number':
        return this.#number();
      case 'flag':
        return true;
      case 'literal':
        return type.value;
      case 'nothing':
      case 'absent':
        return null;
      case 'free':
        return { [this.#mark()]: this.#mark() };
      case 'list': {
        const item = this.#simplest(type.of(), `${path}[]`);
        return item === null ? [] : [item];
      }
      case 'union': {
        const variants = type.of.map((each) => each());
        const some = variants.find(({ kind }) => !/nothing|absent|unread/.test(kind));
        return variants.some(({ kind }) => kind === 'nothing') || !some ? null : this.#simplest(some, path);
      }
      case 'object':
        return this.#object(type.members, path);
      case 'unread':
        this.unread.add(`${path}: ${type.what}`);
        return null;
    }
  }

  #object(members: readonly Member[], path: string): JsonObject {
    const base: JsonObject = {};
    for (const { name, isOptional, type } of members)
      if (!isOptional) {
        const value = this.#simplest(type(), path === '' ? name : `${path}.${name}`);
        if (value !== null) base[name] = value;
      }
    const added = this.#sampling.bases?.[path];
    return added ? { ...base, ...(this.#marked(added) as JsonObject) } : base;
  }

  *#variants(type: PublishedType, path: string, depth: number): Generator<Variant> {
    const samples = this.#sampleAt(path);
    if (samples) yield* samples.map((value) => ({ path, value, part: value }));
    else if (type.kind === 'list') {
      for (const { value, plain, ...item } of this.#variants(type.of(), `${path}[]`, depth))
        yield { ...item, value: [value], ...(plain !== undefined && { plain: [plain] }) };
    } else if (type.kind === 'union') {
      for (const each of type.of) yield* this.#variants(each(), path, depth);
    } else if (type.kind === 'object' && depth < this.#sampling.maxDepth) yield* this.#ofMembers(type, path, depth);
    else if (type.kind === 'flag') yield* [true, false].map((value) => ({ path, value, part: value }));
    else if (type.kind !== 'nothing' && type.kind !== 'absent') {
      const value = this.#simplest(type, path);
      if (type.kind !== 'unread') yield { path, value, part: value };
    }
  }

  *#ofMembers({ members }: PublishedType & { kind: 'object' }, path: string, depth: number): Generator<Variant> {
    const simplest = () => this.#object(members, path);
    const value = simplest();
    yield { path, value, part: value, ...(path === '' && { plain: value }) };
    for (const { name, type } of members) {
      const place = path === '' ? name : `${path}.${name}`;
      if (this.#sampling.skips?.test(place)) continue;
      for (const inner of this.#variants(type(), place, depth + 1)) {
        const plain = inner.plain === undefined ? simplest() : { ...simplest(), [name]: inner.plain };
        yield { ...inner, value: { ...simplest(), [name]: inner.value }, plain };
      }
    }
  }
}

interface Variant {
  path: string;
  value: unknown;
  part: unknown;
  /** The same without what it varies; undefined where that leaves nothing. */
  plain?: unknown;
}

export function unmarked(text: string): string {
  return text.replaceAll(markPattern, 'mark');
}
