// What an agent is told when it asks which node it runs on: the node, and how it is to behave.
import { encode } from '#db/columns.ts';
import { nodeColumns } from '#db/tables.ts';
import type { Settings } from '#config/settings.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { Call } from '../call.ts';

/** Published: agent-api `lookup.response` (ironic api/controllers/v1/ramdisk.py, 2026.2). */
const shownFields = ['uuid', 'properties', 'instance_info', 'driver_internal_info', 'links'] as const;

/** What Ironic lets its operator choose and nobody does; an agent expects it to be told. */
const fixed = {
  metrics: {
    backend: 'noop',
    prepend_host: false,
    prepend_uuid: false,
    prepend_host_reverse: true,
    global_prefix: null,
  },
  metrics_statsd: { statsd_host: 'localhost', statsd_port: 8125 },
  agent_containers: {
    allow_arbitrary_containers: false,
    allowed_containers: [],
    container_steps_file: '/etc/ironic-python-agent.d/mysteps.yaml',
    runner: 'podman',
    pull_options: [],
    run_options: ['--rm', '--network=host'],
  },
  agent_token_required: true,
  enable_bios_bootloader_install: false,
};

const managedOverRedfish: readonly (string | null)[] = ['redfish', 'idrac-redfish'];

/** The answer's JSON. `token` is what the agent is to prove itself with, `******` when it has been handed out before. */
export function lookupAnswer(call: Call, node: NodeRecord, token: string | null): string {
  const row = encode<NodeRecord, typeof nodeColumns>(nodeColumns, {
    properties: node.properties,
    instance_info: node.instance_info,
    driver_internal_info: node.driver_internal_info,
  });
  const view = call.parts.nodeViews.of(shownFields, call.minor);
  const text = view.text({ ...row, uuid: node.uuid }, { baseUrl: call.baseUrl, conductor: null });
  return `{"node":${text},"config":${JSON.stringify(agentConfig(call.parts.settings, node, token))}}`;
}

function agentConfig(settings: Settings, node: NodeRecord, token: string | null): Record<string, unknown> {
  return {
    ...fixed,
    heartbeat_timeout: settings.api.ramdisk_heartbeat_timeout,
    agent_token: token,
    agent_md5_checksum_enable: settings.agent.allow_md5_checksum,
    disable_deep_image_inspection: settings.conductor.disable_deep_image_inspection,
    permitted_image_formats: settings.conductor.permitted_image_formats,
    agent_skip_bmc_detect: managedOverRedfish.includes(node.management_interface),
  };
}
