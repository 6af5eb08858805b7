import { addEvent } from '#db/events.ts';
import { readFreeNodePages } from '#db/free-nodes.ts';
import { wireTime } from '#model/clock.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { allProvisionStates } from '#model/provision-states.ts';
import { lookingTask } from '../task.ts';
import type { ConductorWorkings } from '../workings.ts';
import { forEach, ownNodes, type PeriodicTask } from './periodic-task.ts';

/**
 * Ensures: what the sensors of machines read, and how this conductor does, is told as events, as far as [sensor_data]
 * asks for it. When: every [sensor_data]interval. Not its business: machines in somebody's hands or in maintenance, and
 * those whose driver reads no sensors.
 */
export const sendSensorData: PeriodicTask = {
  name: 'send-sensor-data',
  spacingSeconds: ({ sensor_data }) => (sensor_data.send_sensor_data ? sensor_data.interval : 0),
  async run(workings) {
    const { parts } = workings;
    const { sensor_data } = parts.settings;
    if (sensor_data.enable_for_conductor) await tellOfConductor(workings);
    if (!sensor_data.enable_for_nodes) return;
    const states = sensor_data.enable_for_undeployed_nodes ? allProvisionStates : (['active'] as const);
    const pages = readFreeNodePages(parts.store.read, { states, maintenance: false });
    await forEach(ownNodes(parts, pages), sensor_data.workers, async (node) => {
      workings.signal.throwIfAborted();
      await tellOfNode(workings, node).catch((error: unknown) => {
        parts.log.warn({ node: node.uuid, err: error }, 'could not read the sensors');
      });
    });
  },
};

async function tellOfNode({ parts, signal }: ConductorWorkings, node: NodeRecord): Promise<void> {
  const { sensor_data } = parts.settings;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(sensor_data.wait_timeout * 1000)]);
  const task = lookingTask(parts, node, limit);
  const all = await task.driver.management.getSensors?.(task);
  if (!all) return;
  const wanted = sensor_data.data_types.map((type) => type.toLowerCase());
  const payload = Object.fromEntries(
    Object.entries(all).filter(([type]) => wanted.includes('all') || wanted.includes(type.toLowerCase())),
  );
  await tell(parts, node.uuid, {
    event_type: `hardware.${node.driver}.metrics.update`,
    node_uuid: node.uuid,
    node_name: node.name,
    instance_uuid: node.instance_uuid,
    payload,
  });
}

async function tellOfConductor({ parts, pool }: ConductorWorkings): Promise<void> {
  const { load, size } = pool;
  await tell(parts, null, {
    event_type: 'ironic.metrics.update',
    hostname: parts.hostname,
    payload: { workers: size, work_accepted: load, resident_bytes: process.memoryUsage.rss() },
  });
}

async function tell(
  parts: ConductorWorkings['parts'],
  node_uuid: string | null,
  data: Record<string, unknown>,
): Promise<void> {
  const at = wireTime(parts.clock.now());
  const event = { at, kind: 'sensors.read', node_uuid, operation_id: null, request_id: null } as const;
  await parts.store.write(
    async (transaction) =>
      await addEvent(transaction, {
        ...event,
        data: { message_id: parts.random.uuid(), timestamp: at, ...data },
      }),
  );
}
