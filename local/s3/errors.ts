/** HTTP status of every error code that this server answers. Source: S3 API reference, "Error responses". */
const statusByCode = {
  AccessDenied: 403,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidDigest: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedXML: 400,
  MetadataTooLarge: 400,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
  SlowDown: 503,
  XAmzContentSHA256Mismatch: 400,
} as const satisfies Record<string, number>;

type S3ErrorCode = keyof typeof statusByCode;

interface S3ErrorDetails {
  /** Headers of the answer, e.g. content-range of a 416. */
  headers?: Record<string, string>;
  cause?: unknown;
}

/** An error that is answered to the client as S3 words it: a status and an XML document with code and message. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly code: S3ErrorCode;
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(code: S3ErrorCode, message: string, details: S3ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.status = statusByCode[code];
    this.headers = details.headers ?? {};
  }
}
