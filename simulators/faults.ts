import { z } from 'zod';

/** The operations of a batch API that a fault can be aimed at. */
const operations = ['upload', 'create', 'retrieve', 'list', 'cancel', 'results', 'live'] as const;
export type Operation = (typeof operations)[number];

/** Each given condition must hold; `model`, `customId` and `text` must hold for one and the same line. */
const matchSchema = z.strictObject({
  endpoint: z.string().optional(),
  model: z.string().optional(),
  customId: z.string().optional(),
  /** Any text that the request line contains, as raw JSON: survives the sender's renaming of custom_ids. */
  text: z.string().optional(),
});
export type FaultMatch = z.infer<typeof matchSchema>;

const aim = {
  /** How often the fault strikes before it is spent; without it, always. */
  times: z.number().int().positive().optional(),
  /** It strikes for so long after it was ordered, and then no more; without it, always. */
  lastsMs: z.number().nonnegative().optional(),
  /** Without it every batch is struck. An upload or a list has no batch: a fault with a match never strikes there. */
  match: matchSchema.optional(),
};
const delayMs = z.number().nonnegative();
const fraction = z.number().min(0).max(1);

/** Faults frozen into a batch when it is created. */
export const batchFaultSchema = z.discriminatedUnion('kind', [
  /** The work takes this much longer. */
  z.strictObject({ ...aim, kind: z.literal('slow'), delayMs }),
  /** Half of the lines get done, and the batch never ends by itself; it can be cancelled. */
  z.strictObject({ ...aim, kind: z.literal('stuck') }),
  /** This fraction of the lines gets done, then the batch expires. */
  z.strictObject({ ...aim, kind: z.literal('partial'), fraction }),
  /** The batch expires with nothing done. */
  z.strictObject({ ...aim, kind: z.literal('expired') }),
  /** Cancelling takes this much longer. */
  z.strictObject({ ...aim, kind: z.literal('slow_cancel'), delayMs }),
  /** While the batch is worked on, its status reads like this. */
  z.strictObject({ ...aim, kind: z.literal('unknown_status'), status: z.string() }),
  /** OpenAI: the batch turns `failed` with this error. Anthropic, which has no such state: every line errs. */
  z.strictObject({ ...aim, kind: z.literal('batch_failed'), code: z.string(), message: z.string() }),
  /** Retrieving answers 404 for this long after the creation; with `unlisted` the lists leave it out as well. */
  z.strictObject({
    ...aim,
    kind: z.literal('not_found_yet'),
    durationMs: z.number().nonnegative(),
    unlisted: z.boolean().optional(),
  }),
  /** This fraction of the (matching) lines ends with an error; `first_submission`: a body struck once is spared later. */
  z.strictObject({
    ...aim,
    kind: z.literal('line_errors'),
    fraction,
    error: z.enum(['rate_limit', 'server_error', 'overloaded']),
    when: z.enum(['first_submission', 'always']),
  }),
  /**
   * So many result lines (default 1) are lost, cut, doubled, joined by a line with an unknown custom_id, rid of their own
   * id (`nameless`), or changed: to an HTTP status of 0 that says that nobody answered, to usage that no one can have
   * used, to an error whose code is a number and that has no response.
   */
  z.strictObject({
    ...aim,
    kind: z.literal('result_line'),
    effect: z.enum([
      'lost',
      'malformed',
      'doubled',
      'foreign',
      'nameless',
      'status_zero',
      'absurd_usage',
      'numeric_code',
    ]),
    lines: z.number().int().positive().optional(),
  }),
  /**
   * The (matching) lines are refused, and all others of their batch with them: at Anthropic the creation is, elsewhere the
   * batch fails while it is validated. With `names` it is said which lines they are, where the service has a place for that.
   */
  z.strictObject({ ...aim, kind: z.literal('refused_lines'), names: z.boolean() }),
]);
export type BatchFault = z.infer<typeof batchFaultSchema>;

/** Over the enqueued limit: the batch fails at once (OpenAI only), or the creation is refused with a 429. */
const tokenLimitSchema = z.strictObject({
  ...aim,
  kind: z.literal('token_limit'),
  how: z.enum(['failed_batch', 'refused_create']),
});

/** Faults that strike one HTTP call. */
const callFaultSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...aim,
    kind: z.literal('http_error'),
    operation: z.enum(operations),
    status: z.number().int().min(400).max(599),
    retryAfterSeconds: z.number().nonnegative().optional(),
    /** The header as it is, such as a date or words. */
    retryAfter: z.string().optional(),
    /** So long a text is added to the error's message. */
    messageChars: z.number().int().positive().optional(),
    /** The key that came with the call is added to the error's message, in this spelling. */
    echoesKey: z.enum(['plain', 'base64', 'url_encoded']).optional(),
  }),
  /** The socket is destroyed before or after the call took effect (and its effect was persisted). */
  z.strictObject({
    ...aim,
    kind: z.literal('connection_cut'),
    operation: z.enum(operations),
    when: z.enum(['before_effect', 'after_effect']),
  }),
  /** The call takes effect at once, and is answered only after a delay. */
  z.strictObject({ ...aim, kind: z.literal('slow_answer'), operation: z.enum(operations), delayMs }),
  /** The call goes nowhere but to another address. */
  z.strictObject({
    ...aim,
    kind: z.literal('redirect'),
    operation: z.enum(operations),
    status: z.union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)]),
    location: z.string(),
  }),
  /** A 413 for an upload, or for a creation that carries its lines, of more bytes. */
  z.strictObject({
    ...aim,
    kind: z.literal('size_limit'),
    operation: z.enum(['upload', 'create']),
    maxBytes: z.number(),
  }),
  /**
   * The call takes effect, and is answered with something else: a page, an error's document, a text that is no batch, or
   * what the same operation answered before (`earlier`: another batch, the same one as it was, an id given twice).
   */
  z.strictObject({
    ...aim,
    kind: z.literal('wrong_body'),
    operation: z.enum(operations),
    body: z.enum(['html', 'error', 'empty', 'empty_object', 'empty_list', 'null', 'earlier']),
    /** Default 200. */
    status: z.number().int().min(200).max(599).optional(),
  }),
  /** The batches in the answer count their requests otherwise, or not at all. */
  z.strictObject({
    ...aim,
    kind: z.literal('wrong_counts'),
    operation: z.enum(operations),
    how: z.enum(['null', 'absent', 'zero', 'text', 'negative', 'above']),
  }),
  /** The batches in the answer do not say where their results are. */
  z.strictObject({
    ...aim,
    kind: z.literal('unnamed_results'),
    operation: z.enum(operations),
    how: z.enum(['null', 'absent']),
  }),
  /** All times in the answer, its header's too, are off by so much, or are written so. */
  z.strictObject({
    ...aim,
    kind: z.literal('wrong_clock'),
    operation: z.enum(operations),
    how: z.union([z.strictObject({ shiftSeconds: z.number() }), z.enum(['zero', 'milliseconds', 'without_offset'])]),
  }),
  /** The batches of a page come in any order. */
  z.strictObject({ ...aim, kind: z.literal('unordered_list') }),
  /** Whatever page is asked for, the first one comes. */
  z.strictObject({ ...aim, kind: z.literal('repeated_page') }),
]);
export type CallFault = z.infer<typeof callFaultSchema>;

/**
 * A download that stops after this fraction (default a half).
 * `connection_cut`: in the middle of the promised length. `clean_end`: ends well, on a line's end, with lines missing.
 * `inside_line`: ends well, within a line. `empty`: ends well, before the first byte.
 */
const truncatedDownloadSchema = z.strictObject({
  ...aim,
  kind: z.literal('truncated_download'),
  how: z.enum(['connection_cut', 'clean_end', 'inside_line', 'empty']),
  fraction: fraction.optional(),
});
export type TruncatedDownload = z.infer<typeof truncatedDownloadSchema>;

/** Live calls only: beyond so many in a window, each is answered with a 429. */
const rateLimitSchema = z.strictObject({
  ...aim,
  kind: z.literal('rate_limit'),
  requests: z.number().int().positive(),
  windowMs: z.number().positive(),
});

/** Live calls only: the answer is no JSON object. */
const garbledAnswerSchema = z.strictObject({ ...aim, kind: z.literal('garbled_answer') });

export const faultSchema = z.discriminatedUnion('kind', [
  batchFaultSchema,
  callFaultSchema,
  tokenLimitSchema,
  truncatedDownloadSchema,
  rateLimitSchema,
  garbledAnswerSchema,
]);
export type Fault = z.infer<typeof faultSchema>;
export type FaultOfKind<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;
