import type { DeploymentSettings } from '../../lib/records/deployment-settings.ts';
import type { StandingStack } from './stacks.ts';

/**
 * Why a deploy would do harm, each with what to do; empty where it would not.
 *
 * @param standing the stack that the deploy would update; null for a first deploy.
 * @param listeners other deployments whose intake takes what is dropped into the bucket that the settings name.
 */
export function reasonsAgainst(
  settings: DeploymentSettings,
  standing: StandingStack | null,
  listeners: readonly string[],
): string[] {
  return [
    ...(standing ? changesOfPlace(settings, standing) : []),
    ...listeners.map(
      (name) =>
        `The deployment ${name} takes the drops of the bucket ${settings.bucketName} already; with two of them every request would be paid for twice. Remove that one first, or name another bucket.`,
    ),
  ];
}

/** Running batches would lose their objects, or their records, and nothing would say so. */
function changesOfPlace({ bucketName, tableName }: DeploymentSettings, standing: StandingStack): string[] {
  const places = [
    { what: 'bucket', setting: 'bucketName', planned: bucketName, now: standing.bucket, isOwn: standing.ownsBucket },
    { what: 'table', setting: 'tableName', planned: tableName, now: standing.table, isOwn: standing.ownsTable },
  ];
  return places
    .filter(({ planned, now, isOwn }) => now !== null && (planned === undefined ? !isOwn : planned !== now))
    .map(({ what, setting, planned, now, isOwn }) => {
      const next = planned === undefined ? `a new ${what}` : `the ${what} ${planned}`;
      const back = isOwn ? `remove ${setting}` : `set ${setting} to "${now}"`;
      return `This deploy would go over from the ${what} ${now} to ${next}, and everything in ${now} would be out of sight. In the section "deployment" of the configuration file, ${back}; for a deployment beside this one, set another stackName.`;
    });
}
