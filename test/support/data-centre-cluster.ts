// A cluster of real processes beside simulated machines.
import { join } from 'node:path';
import { type Cluster, type ClusterOptions, startCluster } from '#sim/cluster/cluster.ts';
import { type Configuration, merged } from '#sim/cluster/configuration-file.ts';
import type { DataCentre } from './data-centre.ts';

/** A conductor that dies is missed after two seconds, so that nobody has to wait for it. */
const quick: Configuration = {
  conductor: { heartbeat_interval: 0.25, heartbeat_timeout: 2 },
};

/** For the machines of the data centre, in its folder. */
export async function openCluster(
  centre: DataCentre,
  options: Omit<ClusterOptions, 'folder'> = {},
): Promise<Cluster> {
  return await startCluster({
    ...options,
    folder: join(centre.folder, 'cluster'),
    configuration: merged(centre.configuration, quick, options.configuration ?? {}),
  });
}
