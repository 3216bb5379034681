import { z } from 'zod';

const waitingTenantSchema = z.object({
  /** The write of the list by which its first refusal since its last start was noted; null while it does not wait. */
  waitsSince: z.number().int().nullable(),
  /** The write by which its last start was noted, as far as somebody waits who was refused before. */
  startedAt: z.number().int().nullable(),
  /** Unix milliseconds of its last refusal. */
  askedAtMs: z.number(),
  /** When it asks again at the latest: after that nobody waits for it. */
  asksAgainByMs: z.number(),
  /** The shard that was refused last, as semaphores name it. */
  owner: z.string(),
});

/** The tenants that wait at one account whose batches are limited. `version` counts the writes, and so orders what happened. */
export const waitingListSchema = z.object({
  version: z.number().int(),
  tenants: z.record(z.string(), waitingTenantSchema),
});

export type WaitingList = z.infer<typeof waitingListSchema>;

export const nobodyWaits: WaitingList = { version: 0, tenants: {} };

/** Some 200 bytes for each: the list stays far below what an item holds. Tenants beyond it wait without a claim to a place. */
export const maxWaitingTenants = 500;

/** A shard that was refused a place. */
export interface Refusal {
  tenant: string;
  owner: string;
  nowMs: number;
  asksAgainByMs: number;
}

/**
 * For whom a tenant has to wait: those that were refused before its last start and have not started since. So between a tenant's
 * first refusal and its start each other tenant starts at most one shard.
 */
export function tenantsAhead({ tenants }: WaitingList, tenant: string, nowMs: number): string[] {
  const startedAt = tenants[tenant]?.startedAt ?? null;
  if (startedAt === null) return [];
  return waitingBeside(tenants, tenant, nowMs).flatMap(([name, { waitsSince }]) =>
    (waitsSince ?? startedAt) < startedAt ? [name] : [],
  );
}

/** The tenant starts a shard. The list is unchanged where nobody waits. */
export function noteStart(list: WaitingList, tenant: string, nowMs: number): WaitingList {
  const { version, tenants } = list;
  const waiting = waitingBeside(tenants, tenant, nowMs);
  if (waiting.length === 0) return Object.keys(tenants).length === 0 ? list : { version, tenants: {} };
  const own = tenants[tenant] ?? { askedAtMs: nowMs, asksAgainByMs: nowMs, owner: '' };
  const oldest = waiting.reduce((least, [, { waitsSince }]) => Math.min(least, waitsSince ?? least), version);
  // A start matters as long as somebody waits who was refused before it.
  const kept = Object.entries(tenants).filter(
    ([name, { waitsSince, startedAt }]) =>
      name !== tenant && (waitsSince === null ? (startedAt ?? 0) > oldest : isAwaited(tenants[name], nowMs)),
  );
  return {
    version,
    tenants: { ...Object.fromEntries(kept), [tenant]: { ...own, waitsSince: null, startedAt: version + 1 } },
  };
}

/** A list as it was when a start was noted, and as it was then. */
export interface NotedStart {
  before: WaitingList;
  after: WaitingList;
}

/**
 * The start that was noted came to nothing: the tenant waits as it did before, and starts of others that mattered to it alone
 * matter again. What was noted since stays.
 */
export function takeBackStart(list: WaitingList, tenant: string, { before, after }: NotedStart): WaitingList {
  if (before === after) return list;
  const { [tenant]: own, ...others } = list.tenants;
  // Another shard of the tenant has started since.
  if (own && (own.startedAt ?? 0) > before.version + 1) return list;
  for (const [name, earlier] of Object.entries(before.tenants))
    if (name !== tenant && !after.tenants[name])
      others[name] = { ...earlier, ...others[name], startedAt: earlier.startedAt };
  const restored = waitingAgain(own, before.tenants[tenant]);
  return { ...list, tenants: restored ? { ...others, [tenant]: restored } : others };
}

/** @param own with a start that was none, and perhaps a refusal after it. */
function waitingAgain(own: WaitingTenant | undefined, earlier: WaitingTenant | undefined): WaitingTenant | undefined {
  if (!own || own.waitsSince === null) return earlier;
  return { ...own, waitsSince: earlier?.waitsSince ?? own.waitsSince, startedAt: earlier?.startedAt ?? null };
}

/** The tenant was refused a place, and waits from now on unless it does already. */
export function noteRefusal(list: WaitingList, { tenant, owner, nowMs, asksAgainByMs }: Refusal): WaitingList {
  const { version, tenants } = list;
  const own = tenants[tenant];
  const asked = { askedAtMs: nowMs, asksAgainByMs, owner };
  if (own && isAwaited(own, nowMs)) {
    // Many shards of a tenant are refused within a moment: one of them is noted.
    if (asksAgainByMs - own.asksAgainByMs < notedForMs) return list;
    return { version, tenants: { ...tenants, [tenant]: { ...own, ...asked } } };
  }
  if (!own && Object.keys(tenants).length >= maxWaitingTenants) return list;
  const waiting = { ...asked, waitsSince: version + 1, startedAt: own?.startedAt ?? null };
  return { version, tenants: { ...tenants, [tenant]: waiting } };
}

const notedForMs = 10_000;

/** The shard that was refused last is gone; if others of its tenant wait, they are noted when they ask. */
export function forgetOwner(list: WaitingList, tenant: string, owner: string): WaitingList {
  const own = list.tenants[tenant];
  if (own?.owner !== owner || own.waitsSince === null) return list;
  return { ...list, tenants: { ...list.tenants, [tenant]: { ...own, waitsSince: null } } };
}

type Tenants = WaitingList['tenants'];
type WaitingTenant = z.infer<typeof waitingTenantSchema>;

function waitingBeside(tenants: Tenants, tenant: string, nowMs: number): [string, WaitingTenant][] {
  return Object.entries(tenants).filter(([name, other]) => name !== tenant && isAwaited(other, nowMs));
}

function isAwaited(tenant: WaitingTenant | undefined, nowMs: number): boolean {
  return tenant !== undefined && tenant.waitsSince !== null && nowMs <= tenant.asksAgainByMs;
}
