/** Batchdrop for CDK apps: `import { Batchdrop } from 'batchdrop/cdk'`. */
export { Batchdrop, type BatchdropProps } from './constructs/batchdrop.ts';
