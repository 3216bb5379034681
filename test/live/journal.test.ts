import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Claims } from '../../lib/live/claims.ts';
import { Journal, noPass, type Pass } from '../../lib/live/journal.ts';
import { runs } from '../seed.ts';
import { temporaryFolder } from './live-harness.ts';

const owner = { pid: process.pid, url: null };
const answer = { status: 200, requestId: null, code: null, body: Buffer.from('{}') };

type Step =
  | { kind: 'call'; key: string; retryCount: number }
  | { kind: 'answer'; which: number }
  | { kind: 'deliver'; which: number }
  | { kind: 'leave'; which: number }
  | { kind: 'crash' }
  | { kind: 'next pass'; endsWell: boolean };

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('call' as const),
        key: fc.constantFrom('a', 'b'),
        retryCount: fc.constantFrom(0, 0, 1, 2),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('answer' as const, 'deliver' as const, 'leave' as const),
        which: fc.nat(9),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('next pass' as const), endsWell: fc.boolean() }) },
  ),
  { maxLength: 40 },
) satisfies fc.Arbitrary<Step[]>;

interface Modelled {
  id: number;
  key: string;
  generation: number;
  place: number | null;
  pass: number;
  state: 'waits' | 'gone' | 'delivered';
  retryCount: number;
  isAnswered: boolean;
  deliveredAt: number;
}

/** What is promised of identity, over plain lists. Time stands still. */
class Model {
  requests: Modelled[] = [];
  arrivals = new Map<string, number>();

  claim(key: string, pass: Pass, retryCount: number): { found: Modelled | null; place: number | null } {
    const equal = this.requests.filter((request) => request.key === key && request.pass === pass.id);
    const gone = equal.find(({ state }) => state === 'gone');
    if (gone) return { found: gone, place: gone.place };
    if (retryCount > 0) {
      const less = equal.filter((request) => request.retryCount < retryCount);
      const waiting = less
        .filter(({ state }) => state === 'waits')
        .toSorted((one, other) => other.retryCount - one.retryCount || one.id - other.id)[0];
      const given =
        waiting ??
        less
          .filter(({ state }) => state === 'delivered')
          .toSorted((one, other) => other.retryCount - one.retryCount || other.deliveredAt - one.deliveredAt)[0];
      if (given) return { found: given, place: given.place };
    }
    if (pass.id === noPass.id) return { found: null, place: null };
    let place = this.arrivals.get(`${pass.id} ${key}`) ?? 0;
    const at = () =>
      this.requests.find(
        (request) => request.key === key && request.generation === pass.generation && request.place === place,
      );
    while (at()?.state === 'waits') place += 1;
    this.arrivals.set(`${pass.id} ${key}`, place + 1);
    return { found: at() ?? null, place };
  }
}

/** Seed -837772879: of two callers that wait, the one that has tried once is nearer to a second try than the one that has not. */
const nearestCount: Step[] = [1, 0, 2].map((retryCount) => ({ kind: 'call', key: 'a', retryCount }));

it.each([true, false])('gives each call the request that the rules say, whatever dies (in passes: %s)', (inPasses) => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const folder = temporaryFolder();
      let journal = Journal.open(folder, owner, 0);
      let claims = new Claims(journal);
      const model = new Model();
      let passes = 1;
      let pass = inPasses ? journal.pass('pass-1', 0) : noPass;
      let clock = 1;
      try {
        for (const step of sequence) {
          clock += 1;
          const open = model.requests.filter(({ state }) => state === 'waits');
          if (step.kind === 'call') {
            const { key, retryCount } = step;
            const call = {
              callKey: key,
              pass,
              account: 'x',
              grouping: '',
              endpoint: '/v1/chat/completions',
              body: Buffer.from('{}'),
              retryCount,
              estimateUsd: null,
              nowMs: clock,
            };
            const expected = model.claim(key, pass, retryCount);
            const { request } = claims.claim(call);
            if (expected.found) {
              expect(request.id).toBe(expected.found.id);
              Object.assign(expected.found, { state: 'waits', retryCount, pass: pass.id });
            } else {
              expect(model.requests.some(({ id }) => id === request.id)).toBe(false);
              expect(request.place).toBe(expected.place);
              model.requests.push({
                id: request.id,
                key,
                generation: pass.generation,
                place: expected.place,
                pass: pass.id,
                state: 'waits',
                retryCount,
                isAnswered: false,
                deliveredAt: 0,
              });
            }
          } else if (step.kind === 'crash') {
            journal.close();
            journal = Journal.open(folder, owner, clock);
            claims = new Claims(journal);
            for (const request of open) request.state = 'gone';
          } else if (step.kind === 'next pass') {
            if (!inPasses) continue;
            for (const request of open) {
              journal.left(request.id, clock);
              request.state = 'gone';
            }
            const isWell = model.requests.every((request) => request.pass !== pass.id || request.state === 'delivered');
            if (step.endsWell) expect(journal.endPass(pass, clock)).toBe(isWell);
            passes += 1;
            const next = journal.pass(`pass-${passes}`, clock);
            expect(next.generation).toBe(step.endsWell && isWell ? pass.generation + 1 : pass.generation);
            pass = next;
          } else {
            const request = open[step.which % Math.max(1, open.length)];
            if (!request) continue;
            if (step.kind === 'answer' || step.kind === 'deliver') {
              journal.answer(request.id, answer, clock);
              request.isAnswered = true;
            }
            if (step.kind === 'deliver') {
              journal.delivered(request.id, clock);
              request.state = 'delivered';
              request.deliveredAt = clock;
            }
            if (step.kind === 'leave') {
              journal.left(request.id, clock);
              request.state = 'gone';
            }
          }
          expect(journal.counts().waiting).toBe(model.requests.filter(({ state }) => state === 'waits').length);
        }
        for (const request of model.requests) expect(journal.answerOf(request.id) !== null).toBe(request.isAnswered);
      } finally {
        journal.close();
      }
    }),
    { numRuns: runs(100), examples: inPasses ? [] : [[nearestCount]] },
  );
});

it('is readable by its owner alone, and one process has it', () => {
  const folder = temporaryFolder();
  const journal = Journal.open(folder, { pid: 4711, url: 'http://127.0.0.1:8702' }, 0);
  for (const name of ['journal.sqlite', 'lock.sqlite', 'owner.json'])
    expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
  expect(() => Journal.open(folder, owner, 0)).toThrow(
    /process 4711, which serves at http:\/\/127.0.0.1:8702.*Name another run/,
  );
  expect(Journal.look(folder).counts().waiting).toBe(0);
  journal.close();
  Journal.open(folder, owner, 0).close();
});

it('that is damaged, or cannot be written, is refused before anything is taken', () => {
  const folder = temporaryFolder();
  Journal.open(folder, owner, 0).close();
  writeFileSync(
    join(folder, 'journal.sqlite'),
    'no database at all, and long enough to be looked at closely '.repeat(50),
  );
  expect(() => Journal.open(folder, owner, 0)).toThrow(/cannot be used: file is not a database.*Nothing was taken/);
  expect(() => Journal.open(join(folder, 'journal.sqlite', 'below'), owner, 0)).toThrow(/cannot be used/);
});

it('of another version is left alone', () => {
  const folder = temporaryFolder();
  Journal.open(folder, owner, 0).close();
  const database = new DatabaseSync(join(folder, 'journal.sqlite'));
  database.exec("UPDATE facts SET value = '99' WHERE name = 'format'");
  database.close();
  expect(() => Journal.open(folder, owner, 0)).toThrow(/format 99, and this version of Batchdrop reads 1/);
});

it.each([
  ['submission_unconfirmed', 'taken_up'],
  ['result_missing', 'taken_up'],
  ['invalid_result_line', 'taken_up'],
  ['invalid_answer', 'taken_up'],
  ['results_unavailable', 'taken_up'],
  ['batch_expired', 'new'],
])('a request that ended as %s is %s in the pass that repeats its own', (code, kind) => {
  const journal = Journal.open(temporaryFolder(), owner, 0);
  const claims = new Claims(journal);
  const call = { callKey: 'k', account: 'x', grouping: '', endpoint: 'e', body: Buffer.from('{}') };
  const rest = { retryCount: 0, estimateUsd: null, nowMs: 0 };
  const { request } = claims.claim({ ...call, ...rest, pass: journal.pass('one', 0) });
  journal.answer(request.id, { ...answer, status: 502, code }, 0);
  journal.delivered(request.id, 0);

  expect(claims.claim({ ...call, ...rest, pass: journal.pass('two', 0) }).kind).toBe(kind);
  journal.close();
});

describe('of equal calls a repetition takes the one of its own last try', () => {
  const call = { callKey: 'k', account: 'x', grouping: '', endpoint: 'e', body: Buffer.from('{}'), pass: noPass };
  const started = () => {
    const journal = Journal.open(temporaryFolder(), owner, 0);
    const claims = new Claims(journal);
    const claim = (retryCount: number, nowMs = 0) => claims.claim({ ...call, retryCount, estimateUsd: null, nowMs });
    return { journal, claim };
  };

  it('while nobody noticed that it was given up, so that nothing new is sent', () => {
    const { journal, claim } = started();
    const first = claim(0).request.id;
    expect(claim(1)).toMatchObject({ kind: 'taken_over', request: { id: first } });
    const other = claim(0).request.id;

    expect(claim(2)).toMatchObject({ kind: 'taken_over', request: { id: first } });
    expect(claim(1)).toMatchObject({ kind: 'taken_over', request: { id: other } });
    expect(journal.counts()).toMatchObject({ waiting: 2 });
    journal.close();
  });

  it('also once its answer was lost on the way, and another one was delivered later', () => {
    const { journal, claim } = started();
    const other = claim(0).request.id;
    const lost = claim(0).request.id;
    for (const id of [other, lost]) journal.answer(id, answer, 0);
    journal.delivered(lost, 0);
    expect(claim(1)).toMatchObject({ request: { id: other } });
    journal.left(other, 0);
    expect(claim(1)).toMatchObject({ kind: 'taken_up', request: { id: other } });
    journal.delivered(other, 0);
    journal.delivered(lost, 10);

    expect(claim(2, 20)).toMatchObject({ kind: 'given_again', request: { id: other } });
    expect(claim(1, 20)).toMatchObject({ kind: 'given_again', request: { id: lost } });
    journal.close();
  });
});

it('forgets what was never sent after an hour, and answers that nobody fetched after 30 days', () => {
  const folder = temporaryFolder();
  const journal = Journal.open(folder, owner, 0);
  const claims = new Claims(journal);
  const call = (callKey: string) =>
    claims.claim({
      callKey,
      pass: noPass,
      account: 'x',
      grouping: '',
      endpoint: 'e',
      body: Buffer.from('{}'),
      retryCount: 0,
      estimateUsd: null,
      nowMs: 0,
    }).request.id;
  const [unsent, unclaimed, fetched] = [call('unsent'), call('unclaimed'), call('fetched')];
  journal.answer(fetched, answer, 0);
  journal.delivered(fetched, 0);
  journal.answer(unclaimed, answer, 0);
  for (const id of [unsent, unclaimed]) journal.left(id, 0);
  journal.forgetOld(3_500_000);
  expect(journal.request(unsent)).not.toBeNull();
  journal.forgetOld(3_700_000);
  expect(journal.request(unsent)).toBeNull();
  expect(journal.request(fetched)).toBeNull();
  expect(journal.counts()).toMatchObject({ waiting: 0, answered: 2 });
  expect([...journal.unclaimed()].map(({ id }) => id)).toEqual([unclaimed]);
  journal.forgetOld(31 * 86_400_000);
  expect([...journal.unclaimed()]).toEqual([]);
  journal.close();
});
