import type { FunctionName } from './function-timeouts.ts';

type TableAction = 'DescribeTable' | 'GetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'Query';

/** What a function may do. A test derives the calls that each handler makes and compares. */
export interface Access {
  table: readonly TableAction[];
  /** The index of unfinished batches and of what is to be removed. */
  unfinishedIndex?: true;
  /** The index of a tenant's batches and files. */
  tenantIndex?: true;
  /** Folders of the bucket. */
  reads?: readonly Folder[];
  writes?: readonly Folder[];
  deletes?: readonly Folder[];
  /** Whether all that it writes is small, and written by one call each. */
  writesWhole?: true;
  /** Objects of the owner's own, below the configuration's `inputPrefixes`. */
  readsInputs?: true;
  startsExecutions?: true;
  describesExecutions?: true;
  sendsEvents?: true;
  /** Tasks of the state machines that the configuration's `taskMachines` name. */
  answersTasks?: readonly ('Success' | 'Failure')[];
  /** The providers' keys. */
  readsSecrets?: true;
  /** What it does with Bedrock, where an account is there: with its jobs, and by single calls. Who makes a job also writes its lines. */
  jobs?: readonly JobAction[];
}

export type JobAction = 'Create' | 'Get' | 'List' | 'Stop' | 'Call';

export type Folder = 'inbox/' | 'status/' | 'files/' | 'work/' | 'results/';

export const accessOf: Record<FunctionName, Access> = {
  intake: {
    table: ['GetItem', 'PutItem'],
    reads: ['inbox/', 'status/'],
    // A table's template is kept as work.
    writes: ['status/', 'work/'],
    writesWhole: true,
    startsExecutions: true,
    answersTasks: ['Failure'],
  },
  prepare: {
    table: ['GetItem', 'PutItem'],
    // The input of a retry lies in results/.
    reads: ['inbox/', 'files/', 'work/', 'results/', 'status/'],
    writes: ['work/', 'results/', 'status/'],
    readsInputs: true,
    readsSecrets: true,
    jobs: ['List'],
  },
  submit: {
    table: ['GetItem', 'PutItem', 'UpdateItem'],
    reads: ['work/'],
    // The answers of calls that it makes itself.
    writes: ['work/'],
    readsSecrets: true,
    jobs: ['Create', 'List', 'Stop', 'Call'],
  },
  poll: {
    table: ['GetItem', 'PutItem', 'UpdateItem', 'Query'],
    reads: ['status/'],
    writes: ['status/'],
    startsExecutions: true,
    readsSecrets: true,
    jobs: ['Get', 'Stop'],
  },
  collect: {
    table: ['GetItem', 'PutItem'],
    reads: ['work/'],
    writes: ['work/'],
    readsSecrets: true,
    jobs: ['Get'],
  },
  finalize: {
    table: ['GetItem', 'PutItem', 'Query'],
    reads: ['work/', 'results/', 'status/'],
    writes: ['work/', 'results/', 'status/'],
    sendsEvents: true,
    answersTasks: ['Success', 'Failure'],
  },
  sweep: {
    table: ['DescribeTable', 'GetItem', 'PutItem', 'DeleteItem', 'Query'],
    unfinishedIndex: true,
    // It takes up drops whose event was lost, as intake does.
    reads: ['inbox/', 'status/'],
    writes: ['status/', 'work/'],
    writesWhole: true,
    deletes: ['files/', 'work/', 'results/'],
    startsExecutions: true,
    // It takes up drops that had no event, and refuses some.
    answersTasks: ['Failure'],
    describesExecutions: true,
  },
  api: {
    // The update counts what an upload has received.
    table: ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query'],
    tenantIndex: true,
    // An operator sees what keeps an account's batches waiting.
    unfinishedIndex: true,
    // A link to a file's content can do what its signer may: inputs from the inbox are files too.
    // Those of a shard's answers are work. A dropped batch that is cancelled has a status file.
    reads: ['inbox/', 'files/', 'work/', 'results/', 'status/'],
    // A table's template is kept as work.
    writes: ['files/', 'status/', 'work/'],
    deletes: ['files/', 'work/', 'results/'],
    readsInputs: true,
    startsExecutions: true,
    // A cancellation reaches the provider.
    readsSecrets: true,
    jobs: ['Stop'],
  },
};
