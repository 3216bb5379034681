import type { StateMachineEvent } from './state-machine.ts';

/** What an execution's history may hold in AWS before it fails. Source: Step Functions quotas, standard workflows. */
export const maxHistoryEvents = 25_000;

/**
 * How many events AWS would write into the execution's history where the local machine reports one. A Task that calls
 * a function is Entered, Scheduled, Started, Succeeded and Exited there; each retry is Scheduled, Started and Failed again.
 *
 * Source: Step Functions developer guide, "Viewing execution history".
 */
export function historyEventsOf(event: StateMachineEvent): number {
  switch (event.type) {
    case 'StateEntered':
      return event.state.type === 'Map' || event.state.type === 'Parallel' ? 2 : 1;
    case 'StateExited':
      return exitEvents(event.state.type);
    case 'StateFailed':
      return failureEvents(event.state.type);
    case 'StateCaught':
      return 1 - exitEvents(event.state.type); // a StateExited follows, of which AWS writes the exit only
    case 'StateRetried':
    case 'ParallelBranchStarted':
    case 'ParallelBranchSucceeded':
    case 'ParallelBranchFailed':
      return 0;
    case 'ExecutionStarted':
    case 'ExecutionSucceeded':
    case 'ExecutionFailed':
    case 'ExecutionAborted':
    case 'ExecutionTimeout':
    case 'MapIterationStarted':
    case 'MapIterationSucceeded':
    case 'MapIterationFailed':
      return 1;
  }
}

type StateType = Extract<StateMachineEvent, { type: 'StateEntered' }>['state']['type'];

/** Scheduled, Started, Succeeded and Exited for a Task; Succeeded and Exited for a Map. */
function exitEvents(type: StateType): number {
  if (type === 'Task') return 4;
  return type === 'Map' || type === 'Parallel' ? 2 : 1;
}

/** Scheduled, Started and Failed for a Task. */
function failureEvents(type: StateType): number {
  if (type === 'Task') return 3;
  return type === 'Map' || type === 'Parallel' ? 1 : 0;
}
