import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  forgetOwner,
  maxWaitingTenants,
  nobodyWaits,
  noteRefusal,
  noteStart,
  takeBackStart,
  tenantsAhead,
  type WaitingList,
} from '../../lib/records/waiting-list.ts';

/** As the store writes it: a change counts the version up. */
function written(before: WaitingList, after: WaitingList): WaitingList {
  return after === before ? before : { ...after, version: before.version + 1 };
}

const soon = 1_000_000;

function refused(list: WaitingList, tenant: string, nowMs = 0): WaitingList {
  return written(list, noteRefusal(list, { tenant, owner: `${tenant}/set/0/0`, nowMs, asksAgainByMs: nowMs + soon }));
}

/** What a tenant that asks gets, and the list after it. */
function started(list: WaitingList, tenant: string, nowMs = 0): WaitingList | null {
  if (tenantsAhead(list, tenant, nowMs).length > 0) return null;
  return written(list, noteStart(list, tenant, nowMs));
}

describe('a waiting list', () => {
  it('lets each other tenant start at most once between a tenant’s first refusal and its start', () => {
    const tenant = fc.constantFrom('a', 'b', 'c', 'd');
    fc.assert(
      fc.property(fc.array(fc.tuple(tenant, fc.boolean()), { maxLength: 60 }), (asked) => {
        let list = nobodyWaits;
        /** By tenant that waits: how often each other has started since. */
        const since = new Map<string, Map<string, number>>();
        for (const [name, hasPlace] of asked) {
          const after = hasPlace ? started(list, name) : null;
          if (after) {
            list = after;
            since.delete(name);
            for (const starts of since.values()) starts.set(name, (starts.get(name) ?? 0) + 1);
          } else {
            list = refused(list, name);
            if (!since.has(name)) since.set(name, new Map());
          }
          for (const starts of since.values())
            for (const count of starts.values()) expect(count).toBeLessThanOrEqual(1);
          // Somebody can always start: a place is never kept from all.
          expect(['a', 'b', 'c', 'd'].some((other) => tenantsAhead(list, other, 0).length === 0)).toBe(true);
          expect([...since.keys()].every((other) => list.tenants[other]?.waitsSince !== null)).toBe(true);
        }
      }),
    );
  });

  it('is as it was once a start is taken back, and keeps what was noted meanwhile', () => {
    const tenant = fc.constantFrom('a', 'b', 'c', 'd');
    const asked = fc.array(fc.tuple(tenant, fc.boolean()), { maxLength: 20 });
    fc.assert(
      fc.property(asked, tenant, fc.array(tenant, { maxLength: 5 }), (events, name, refusedMeanwhile) => {
        let before = nobodyWaits;
        for (const [other, hasPlace] of events)
          before = (hasPlace ? started(before, other) : null) ?? refused(before, other);
        const after = started(before, name);
        if (!after || after === before) return;
        let list = after;
        let expected = { ...before, version: after.version };
        for (const other of refusedMeanwhile) {
          list = refused(list, other);
          expected = refused(expected, other);
        }
        const taken = takeBackStart(list, name, { before, after });
        for (const other of ['a', 'b', 'c', 'd']) {
          expect(tenantsAhead(taken, other, 0).toSorted()).toEqual(tenantsAhead(expected, other, 0).toSorted());
          expect(taken.tenants[other]?.waitsSince === null).toBe(expected.tenants[other]?.waitsSince === null);
        }
        expect(taken.tenants[name]?.waitsSince ?? null).toBe(
          before.tenants[name]?.waitsSince ?? expected.tenants[name]?.waitsSince ?? null,
        );
      }),
    );
  });

  it('is not written where nobody waits', () => {
    expect(noteStart(nobodyWaits, 'a', 0)).toBe(nobodyWaits);
    const alone = refused(nobodyWaits, 'a');
    expect(started(alone, 'a')?.tenants).toEqual({});
  });

  it('notes one of many refusals of a moment, and later ones', () => {
    const list = refused(nobodyWaits, 'a');
    expect(refused(list, 'a', 1_000)).toBe(list);
    expect(refused(list, 'a', 60_000).tenants.a).toMatchObject({ askedAtMs: 60_000, waitsSince: 1 });
  });

  it('does not wait for a tenant that does not ask again, nor for one whose shard is gone', () => {
    const waiting = refused(nobodyWaits, 'a');
    const once = started(waiting, 'b') ?? nobodyWaits;
    expect(tenantsAhead(once, 'b', 0)).toEqual(['a']);
    expect(tenantsAhead(once, 'b', soon + 1)).toEqual([]);
    expect(tenantsAhead(forgetOwner(once, 'a', 'a/set/0/0'), 'b', 0)).toEqual([]);
    expect(forgetOwner(once, 'a', 'a/set/0/1')).toBe(once);
  });

  it('holds a bounded number of tenants', () => {
    let list = nobodyWaits;
    for (let tenant = 0; tenant < maxWaitingTenants + 10; tenant += 1) list = refused(list, `tenant-${tenant}`);
    expect(Object.keys(list.tenants)).toHaveLength(maxWaitingTenants);
    expect(JSON.stringify(list).length).toBeLessThan(200_000);
  });
});
