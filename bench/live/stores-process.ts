import { join } from 'node:path';
import { startLocalDynamoDB } from '../../local/dynamodb.ts';
import { startLocalS3 } from '../../local/s3/server.ts';

// A local S3 and a DynamoDB in a process of their own: node stores-process.ts DATA_FOLDER NAME

const [dataDir = '', name = ''] = process.argv.slice(2);
const s3 = await startLocalS3({ dataDir: join(dataDir, 's3'), buckets: [name] });
const dynamodb = await startLocalDynamoDB(join(dataDir, 'dynamodb'), name);
console.log(JSON.stringify({ s3Url: s3.url, dynamodbUrl: dynamodb.url }));
