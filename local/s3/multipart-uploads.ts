import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { OpenUpload } from './catalog.ts';
import { type ChecksumAlgorithm, checksumElement, startChecksum } from './checksum.ts';
import { type CrcPiece, combineCrcs } from './combined-crc.ts';
import { S3Error } from './errors.ts';
import type { NewObject } from './object-store.ts';
import { matchesEtag } from './preconditions.ts';
import type { StoredChecksum, StoredPart } from './stored-object.ts';

/** Source of both: S3 user guide, "Amazon S3 multipart upload limits". */
const minPartBytes = 5 * 1024 ** 2;
export const maxPartNumber = 10_000;

/** The document of a CompleteMultipartUpload, as the XML parser gives it. */
export const completionSchema = z.object({
  CompleteMultipartUpload: z.object({
    Part: z
      .array(
        z.object({
          PartNumber: z.string().regex(/^\d+$/).transform(Number),
          ETag: z.string(),
          ChecksumCRC32: z.string().optional(),
          ChecksumCRC32C: z.string().optional(),
          ChecksumCRC64NVME: z.string().optional(),
          ChecksumSHA1: z.string().optional(),
          ChecksumSHA256: z.string().optional(),
        }),
      )
      .min(1),
  }),
});
type PartClaim = z.infer<typeof completionSchema>['CompleteMultipartUpload']['Part'][number];

/**
 * The object that an upload's parts make, if they are as the client says.
 *
 * @throws S3Error InvalidPartOrder, InvalidPart, EntityTooSmall, InvalidRequest
 */
export function assembleObject(upload: OpenUpload, claims: PartClaim[]): NewObject {
  checkOrder(claims);
  const parts = claims.map((claim) => claimedPart(upload, claim));
  if (parts.slice(0, -1).some((part) => part.segment.size < minPartBytes)) {
    throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
  }
  const md5OfMd5s = createHash('md5').update(Buffer.concat(parts.map((part) => Buffer.from(part.md5, 'hex'))));
  return {
    segments: parts.map((part) => part.segment),
    size: parts.reduce((sum, part) => sum + part.segment.size, 0),
    etag: `${md5OfMd5s.digest('hex')}-${parts.length}`,
    headers: upload.headers,
    checksum: assembleChecksum(upload, parts),
    uploadId: upload.uploadId,
  };
}

function checkOrder(claims: PartClaim[]): void {
  let previous = 0;
  for (const { PartNumber: partNumber } of claims) {
    if (partNumber <= previous) {
      throw new S3Error(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
      );
    }
    previous = partNumber;
  }
}

function claimedPart(upload: OpenUpload, claim: PartClaim): StoredPart {
  const part = upload.parts.get(claim.PartNumber);
  if (part === undefined || !matchesEtag(claim.ETag, part.md5) || !hasClaimedChecksum(upload, part, claim)) {
    throw new S3Error(
      'InvalidPart',
      'One or more of the specified parts could not be found. The part might not have been uploaded, or the ' +
        `specified entity tag might not have matched the part's entity tag: part ${claim.PartNumber}.`,
    );
  }
  return part;
}

function hasClaimedChecksum(upload: OpenUpload, part: StoredPart, claim: PartClaim): boolean {
  if (upload.checksum === undefined) {
    return true;
  }
  const { algorithm, type } = upload.checksum;
  const claimed = claim[`Checksum${algorithm}`];
  if (claimed === undefined && type === 'COMPOSITE') {
    throw new S3Error(
      'InvalidRequest',
      `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the ` +
        `${checksumElement(algorithm)} for each part. It was missing for part ${claim.PartNumber} in the request.`,
    );
  }
  return claimed === undefined || claimed === part.checksum?.value;
}

function assembleChecksum(upload: OpenUpload, parts: StoredPart[]): StoredChecksum | undefined {
  if (upload.checksum === undefined) {
    return undefined;
  }
  const { algorithm, type } = upload.checksum;
  const pieces = parts.map(({ checksum, segment }) => ({
    crc: Buffer.from(checksum?.value ?? '', 'base64'),
    size: segment.size,
  }));
  if (type === 'FULL_OBJECT') {
    return { algorithm, type, value: combineCrcs(algorithm, pieces).toString('base64') };
  }
  return { algorithm, type, value: `${compositeChecksum(algorithm, pieces)}-${parts.length}` };
}

/** The checksum of the parts' checksums. */
function compositeChecksum(algorithm: ChecksumAlgorithm, pieces: CrcPiece[]): string {
  const composite = startChecksum(algorithm);
  for (const { crc } of pieces) {
    composite.update(crc);
  }
  return composite.digest().toString('base64');
}
