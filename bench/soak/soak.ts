import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { fileLog } from '../../lambdas/log-file.ts';
import { createServices, type Services } from '../../lib/pipeline/services.ts';
import { ConflictError, NotFoundError } from '../../lib/records/errors.ts';
import { hasEnded } from '../../lib/records/openai-batch.ts';
import { cancelBatch } from '../../lib/service/cancel-batch.ts';
import { setEnvironment } from '../../local/environment.ts';
import { Evidence, type StatusFile } from './evidence.ts';
import { noFaults } from './fault-rates.ts';
import { diedByItself, Machine } from './machine.ts';
import { bodyOf, inboxKeyOf, type PlannedDrop } from './planned-drop.ts';
import { type Action, planSchedule, type SchedulePlan } from './schedule.ts';
import type { FaultsByKind } from './simulated-providers.ts';
import { Tally } from './tally.ts';
import { findViolations, leftOpen, type Verdict } from './violations.ts';

export interface SoakOptions extends SchedulePlan {
  /** Empty, and made already; keeps everything that there is to look at afterwards. */
  folder: string;
  /** A last restart once the trouble is over: what the dead held is let go at once. Else it runs out by itself. */
  endsWithRestart: boolean;
  /** How long everything may take to settle once the trouble is over, the batches' own deadlines included. */
  settleMs: number;
  /** Told what is done as it is done. */
  say(text: string): void;
}

export interface SoakResult extends Verdict {
  drops: number;
  starts: number;
  /** Everything that was done to the stack, by name. */
  tally: Tally;
  /** From the end of the trouble. */
  settledAfterMs: number | null;
}

/** Runs a schedule of drops and troubles, lets everything settle, and checks what must hold whatever happened. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  await using resources = new AsyncDisposableStack();
  const tally = new Tally();
  const machine = await Machine.start(options.folder, options.seed, tally);
  resources.defer(() => machine.close());
  resources.defer(setEnvironment(machine.environment(machine.clear)));
  const services = createServices(process.env, { log: fileLog(process.env.BATCHDROP_LOG_FILE ?? '/dev/null') });
  const evidence = new Evidence(machine, services);
  const run = new Run(machine, services, evidence, tally, options.say);
  for (const { atMs, action } of planSchedule(options)) await run.begin(atMs, action);
  await run.end(options);
  const settledAfterMs = await run.settle(options.settleMs);
  const verdict = await findViolations(run.drops, evidence, machine.providers);
  if (settledAfterMs === null)
    verdict.violations.push({ about: 'everything', problem: `It did not settle within ${options.settleMs} ms.` });
  for (const name of Object.values(diedByItself))
    if (tally.of(name) > 0)
      verdict.violations.push({ about: 'processes', problem: `${name}: see ${machine.errorFile}.` });
  return { ...verdict, drops: run.drops.length, starts: machine.starts, tally, settledAfterMs };
}

/** What an action disturbs. While an action lasts, others that disturb the same are left out. */
type Lane = 'stack' | 'providers' | 'stale_worker';

/** Longer than the longest pause between two looks at a batch. */
const quietMs = 8_000;
/** Results that are incomplete are asked for again after 1, 5 and 15 minutes. */
const sleepMs = 5 * 60_000;

/**
 * Drops that may be open at once. A slow machine gets through fewer than are planned, and an answer that never comes because
 * work piles up is no promise broken: what finds no room is left out, and counted.
 */
const mostOpenDrops = 40;

const putTries = 2_000;
const retryMs = 100;

/** One pass through a schedule. */
class Run {
  readonly drops: PlannedDrop[] = [];
  /** Those that had not ended when they were last looked at. */
  #openDrops: PlannedDrop[] = [];
  readonly #machine: Machine;
  readonly #services: Services;
  readonly #evidence: Evidence;
  readonly #tally: Tally;
  readonly #say: (text: string) => void;
  readonly #s3 = new S3Client({ forcePathStyle: true });
  readonly #startedAtMs = Date.now();
  readonly #busyLanes = new Set<Lane>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(machine: Machine, services: Services, evidence: Evidence, tally: Tally, say: (text: string) => void) {
    this.#machine = machine;
    this.#services = services;
    this.#evidence = evidence;
    this.#tally = tally;
    this.#say = say;
  }

  /** Waits for the moment, and begins the action; what was begun may take longer. */
  async begin(atMs: number, action: Action): Promise<void> {
    await this.#until(atMs);
    this.#say(`${(atMs / 1_000).toFixed(1)} s: ${describe(action)}`);
    const begun = this.#act(action).finally(() => this.#underWay.delete(begun));
    this.#underWay.add(begun);
  }

  /** The trouble is over: nothing fails any more, whatever was killed is there again. */
  async end({ chaosMs, endsWithRestart }: SoakOptions): Promise<void> {
    await this.#until(chaosMs);
    this.#say(`The trouble is over; ${this.#underWay.size} actions are under way.`);
    await Promise.all(this.#underWay);
    await this.#machine.killStaleWorker();
    if (endsWithRestart) await this.#machine.killStack();
    await this.#machine.startStackIfDead();
    this.#machine.setFaultRates(noFaults);
    await this.#machine.providers.setFaults({});
  }

  /**
   * Where nothing moves any more, records wait for a time that they name: the stack then sleeps until it is over.
   *
   * @returns how long it took until nothing was left to do, or null.
   */
  async settle(mostMs: number): Promise<number | null> {
    const sinceMs = Date.now();
    let last = { progress: '', atMs: sinceMs };
    while (Date.now() < sinceMs + mostMs) {
      if (await this.#isSettled()) return Date.now() - sinceMs;
      const progress = await this.#evidence.progress();
      if (progress !== last.progress) last = { progress, atMs: Date.now() };
      else if (Date.now() > last.atMs + quietMs) {
        this.#tally.add('stack slept');
        this.#say(`Nothing moves; the stack sleeps for ${sleepMs / 60_000} min.`);
        await this.#machine.sleepThrough(sleepMs);
        last = { progress, atMs: Date.now() };
      }
      await sleep(500);
    }
    return null;
  }

  async #isSettled(): Promise<boolean> {
    for (const drop of this.drops) if (!(await this.#evidence.statusOf(inboxKeyOf(drop)))) return false;
    if ((await this.#evidence.unfinished()).length > 0) return false;
    if ((await this.#evidence.executions()).some(({ status }) => status === 'RUNNING')) return false;
    return (await this.#openBatches()).length === 0;
  }

  /** Those that the product did not have to leave alone. */
  async #openBatches(): Promise<string[]> {
    const open = await this.#machine.providers.openBatches();
    if (open.length === 0) return [];
    const shards = await Promise.all((await this.#evidence.batches()).map((batch) => this.#evidence.shardsOf(batch)));
    return leftOpen(open, shards.flat());
  }

  async #until(atMs: number): Promise<void> {
    await sleep(Math.max(0, this.#startedAtMs + atMs - Date.now()));
  }

  #act(action: Action): Promise<void> {
    switch (action.kind) {
      case 'drop':
        return this.#drop(action.drop);
      case 'drop_again':
        return this.#dropAgain(action.drop);
      case 'cancel':
        return this.#cancel(action.drop);
      case 'fault_rates':
        this.#machine.setFaultRates(action.rates);
        return Promise.resolve();
      case 'provider_faults':
        return this.#inLane('providers', () => this.#setFaults(action.faults));
      case 'kill_stack':
        return this.#inLane('stack', () => this.#killStack(action.downMs));
      case 'pause_stack':
        this.#tally.add('stack paused');
        return this.#inLane('stack', () => this.#machine.pauseStack(action.forMs));
      case 'kill_simulators':
        return this.#inLane('providers', () => this.#killProviders(action.downMs));
      case 'stale_worker':
        return this.#inLane('stale_worker', () => this.#letStaleWorkerLive(action.livesMs));
    }
  }

  /** On a slow machine a queue of kills would let no stack live. */
  async #inLane(lane: Lane, work: () => Promise<void>): Promise<void> {
    if (this.#busyLanes.has(lane)) return;
    this.#busyLanes.add(lane);
    await work().finally(() => this.#busyLanes.delete(lane));
  }

  async #drop(drop: PlannedDrop): Promise<void> {
    if (!(await this.#hasRoom())) return this.#tally.add('drop left out, as too many were open');
    this.drops.push(drop);
    this.#openDrops.push(drop);
    await this.#put(drop);
  }

  async #dropAgain(drop: PlannedDrop): Promise<void> {
    if (!this.drops.includes(drop)) return;
    this.#tally.add('dropped again under its key');
    await this.#put(drop);
  }

  /** Looks at the open drops only once they are too many. While the stack is down nobody can tell, and none has ended. */
  async #hasRoom(): Promise<boolean> {
    if (this.#openDrops.length < mostOpenDrops) return true;
    const looked = this.#openDrops;
    const found = await Promise.allSettled(looked.map((drop) => this.#evidence.statusOf(inboxKeyOf(drop))));
    const ended = looked.filter((_, place) => {
      const status = found[place];
      return status?.status === 'fulfilled' && status.value !== null && isOver(status.value.status);
    });
    this.#openDrops = this.#openDrops.filter((drop) => !ended.includes(drop));
    return this.#openDrops.length < mostOpenDrops;
  }

  /** As a client does it: again until it is answered. An answer that was lost makes it two drops. */
  async #put(drop: PlannedDrop): Promise<void> {
    const object = { Bucket: 'batchdrop', Key: inboxKeyOf(drop), Body: bodyOf(drop), Metadata: drop.options };
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#s3.send(new PutObjectCommand(object));
        return;
      } catch (error) {
        if (tries >= putTries) throw error;
        await sleep(retryMs);
      }
    }
  }

  async #cancel(drop: PlannedDrop): Promise<void> {
    try {
      const status = await this.#evidence.statusOf(inboxKeyOf(drop));
      if (!status?.batch_id) return this.#tally.add('cancel came too early');
      await cancelBatch(this.#services, status.batch_id, AbortSignal.timeout(10_000));
      this.#tally.add('cancelled');
    } catch (error) {
      const why = error instanceof ConflictError || error instanceof NotFoundError ? 'too late' : 'and failed';
      this.#tally.add(`cancel came ${why}`);
    }
  }

  async #setFaults(faults: FaultsByKind): Promise<void> {
    await this.#machine.providers.setFaults(faults);
    for (const fault of Object.values(faults).flat()) this.#tally.add(`provider: ${fault.kind}`);
  }

  async #killStack(downMs: number): Promise<void> {
    this.#tally.add('stack killed');
    await this.#machine.killStack();
    await sleep(downMs);
    await this.#machine.startStack();
  }

  async #killProviders(downMs: number): Promise<void> {
    this.#tally.add('providers killed');
    await this.#machine.providers.kill();
    await sleep(downMs);
    await this.#machine.providers.restart();
  }

  async #letStaleWorkerLive(livesMs: number): Promise<void> {
    this.#machine.startStaleWorker();
    await sleep(livesMs);
    await this.#machine.killStaleWorker();
  }
}

function isOver(status: StatusFile['status']): boolean {
  return status === 'refused' || hasEnded(status);
}

function describe(action: Action): string {
  switch (action.kind) {
    case 'drop':
    case 'drop_again':
    case 'cancel':
      return `${action.kind} ${action.drop.name} (${action.drop.lines.length} lines, ${action.drop.fate})`;
    case 'fault_rates':
    case 'provider_faults':
    case 'kill_stack':
    case 'pause_stack':
    case 'kill_simulators':
    case 'stale_worker':
      return JSON.stringify(action);
  }
}

/** Statuses in which batches ended, counted. */
export function endings(result: SoakResult): Tally {
  const tally = new Tally();
  for (const { status } of result.batches) tally.add(hasEnded(status) ? status : 'unfinished');
  return tally;
}
