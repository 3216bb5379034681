import { NotFoundError } from '../records/errors.ts';
import { type PartRecord, partRecordSchema, type UploadRecord, uploadRecordSchema } from '../records/upload.ts';
import type { Key, RecordTable } from './record-table.ts';

/** Uploads in DynamoDB. Each part is an item of its own, so that several parts may arrive at a time. */
export class Uploads {
  readonly #table: RecordTable;

  constructor(table: RecordTable) {
    this.#table = table;
  }

  async create(upload: UploadRecord): Promise<void> {
    await this.#table.putNew(uploadKey(upload.id), upload);
  }

  /** @returns null if there is no such upload. */
  async find(uploadId: string): Promise<UploadRecord | null> {
    return this.#table.get(uploadKey(uploadId), uploadRecordSchema);
  }

  /** @throws NotFoundError */
  async get(uploadId: string): Promise<UploadRecord> {
    const upload = await this.find(uploadId);
    if (!upload) throw new NotFoundError(`No such Upload object: ${uploadId}`);
    return upload;
  }

  async update(uploadId: string, change: (upload: UploadRecord) => UploadRecord): Promise<UploadRecord> {
    return this.#table.update(uploadKey(uploadId), { read: () => this.get(uploadId), change });
  }

  async addPart(part: PartRecord): Promise<void> {
    await this.#table.putNew({ pk: uploadKey(part.uploadId).pk, sk: `part#${part.id}` }, part);
  }

  /**
   * Counts the bytes of a part that came.
   *
   * @returns false if all that came would be more than `most`.
   */
  async countBytes({ id, expiresAt }: UploadRecord, bytes: number, most: number): Promise<boolean> {
    return this.#table.updateIf(
      { pk: uploadKey(id).pk, sk: 'received' },
      {
        UpdateExpression: 'ADD received :bytes SET expiresAt = :expiresAt',
        ConditionExpression: 'attribute_not_exists(received) OR received <= :room',
        ExpressionAttributeValues: { ':bytes': bytes, ':room': most - bytes, ':expiresAt': expiresAt },
      },
    );
  }

  /** Lists the parts in no particular order. */
  async listParts(uploadId: string): Promise<PartRecord[]> {
    const items = this.#table.query({
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
      ExpressionAttributeValues: { ':pk': uploadKey(uploadId).pk, ':sk': 'part#' },
    });
    const parts: PartRecord[] = [];
    for await (const item of items) parts.push(partRecordSchema.parse(item));
    return parts;
  }
}

function uploadKey(uploadId: string): Key {
  return { pk: `upload#${uploadId}`, sk: 'upload' };
}
