/** What the state machine passes to the functions of the steps, and what they answer it. The names are those of the machine. */

/** The batch of a step, and the execution that runs it. */
export interface BatchStep {
  batchId: string;
  epoch: number;
}

/** What Submit and Collect work on. */
export interface ShardStep extends BatchStep {
  /** The shard's number within the current round. */
  shard: number;
}

export interface PollStep extends BatchStep {
  /** History events of the execution so far, estimated from above. */
  events: number;
}

/** What Prepare answers. */
export interface PrepareAnswer {
  /** False asks for another run. */
  done: boolean;
  /** Nothing was or will be sent: straight to Finalize. */
  ended: boolean;
}

/** What the state machine does next. */
export interface Turn {
  /** Numbers of the shards in the current round. */
  submit: number[];
  collect: number[];
  waitSeconds: number;
  finished: boolean;
  /** A later execution has taken over. */
  continue: boolean;
  events: number;
}

/** What Finalize answers. */
export interface FinalizeAnswer {
  /** False asks for another run, or for another round. */
  done: boolean;
  nextRound: boolean;
}
