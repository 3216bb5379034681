import type { FunctionName } from '../lib/core/function-timeouts.ts';

type TableAction = 'GetItem' | 'PutItem' | 'UpdateItem' | 'Query';

/** What a function may do. A test derives the calls that each handler makes and compares. */
export interface Access {
  table: readonly TableAction[];
  /** The index of unfinished batches. */
  unfinishedIndex?: true;
  /** Folders of the bucket. */
  reads?: readonly Folder[];
  writes?: readonly Folder[];
  startsExecutions?: true;
  describesExecutions?: true;
  sendsEvents?: true;
  /** The providers' keys. */
  readsSecrets?: true;
}

export type Folder = 'inbox/' | 'status/' | 'files/' | 'work/' | 'results/';

export const accessOf: Record<FunctionName, Access> = {
  intake: {
    table: ['GetItem', 'PutItem'],
    reads: ['inbox/', 'status/'],
    writes: ['status/'],
    startsExecutions: true,
  },
  prepare: {
    table: ['GetItem', 'PutItem'],
    reads: ['inbox/', 'files/', 'status/'],
    writes: ['work/', 'results/', 'status/'],
    readsSecrets: true,
  },
  submit: {
    table: ['GetItem', 'PutItem', 'UpdateItem'],
    reads: ['work/'],
    readsSecrets: true,
  },
  poll: {
    table: ['GetItem', 'PutItem', 'UpdateItem', 'Query'],
    reads: ['status/'],
    writes: ['status/'],
    startsExecutions: true,
    readsSecrets: true,
  },
  collect: {
    table: ['GetItem', 'PutItem'],
    reads: ['work/'],
    writes: ['work/'],
    readsSecrets: true,
  },
  finalize: {
    table: ['GetItem', 'PutItem', 'Query'],
    reads: ['work/', 'results/', 'status/'],
    writes: ['work/', 'results/', 'status/'],
    sendsEvents: true,
  },
  sweep: {
    table: ['GetItem', 'PutItem', 'Query'],
    unfinishedIndex: true,
    startsExecutions: true,
    describesExecutions: true,
  },
};
