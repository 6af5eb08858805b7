// The steps of a deployment against what they are for: a simulated machine with a BMC, on which the real agent runs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type BareMetalApi, nodeUuid, serveBareMetalApi } from '#agent/testing/bare-metal-api.ts';
import { aGptImage, sha256 } from '#agent/testing/disk-images.ts';
import { serveImage } from '#agent/testing/image-server.ts';
import type { SettingsOverrides } from '#config/settings.ts';
import { createBootFiles } from '#images/boot-files.ts';
import { composeBootMedia } from '#images/boot-media.ts';
import { serveIso } from '#images/iso/serve.ts';
import { systemClock } from '#model/clock.ts';
import { maskedToken } from '#protocol/agent-commands.ts';
import { openRig, type Rig } from '../redfish/testing/rig.ts';
import type { StepOutcome } from '../steps.ts';

interface Site extends AsyncDisposable {
  rig: Rig;
  api: BareMetalApi;
  /** Runs a step to its end, as an engine does: again when the agent is first heard of, and at each poll. */
  finish(step: string): Promise<void>;
}

const writingStep = 'write_image';
const steps = [
  'deploy',
  writingStep,
  'prepare_instance_boot',
  'tear_down_agent',
  'switch_to_tenant_network',
  'boot_instance',
];

async function aSite(image: Buffer, settings: SettingsOverrides = {}): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-deploy-'));
  const stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true }));
  const [deploy_kernel, deploy_ramdisk] = [join(folder, 'kernel'), join(folder, 'ramdisk')];
  await Promise.all([writeFile(deploy_kernel, 'kernel'), writeFile(deploy_ramdisk, 'ramdisk')]);
  const api = stack.use(await serveBareMetalApi({ token: maskedToken, heartbeatTimeout: 1 }));
  const images = stack.use(await serveImage(image));
  const media = createServer((request, response) => void serveMedia(request, response));
  media.listen(0, '127.0.0.1');
  await once(media, 'listening');
  stack.defer(() => {
    media.closeAllConnections();
    media.close();
  });
  const { port } = media.address() as AddressInfo; // it listens on TCP
  const rig = stack.use(
    await openRig({
      sim: { kind: 'process' },
      machine: { disks: [{ sizeBytes: 32 * 1024 ** 2 }] },
      node: {
        uuid: nodeUuid,
        properties: { root_device: { name: '/dev/sda' } },
        driver_info: { kernel_append_params: 'ipa-heartbeat-min-gap=0.05' },
        instance_info: {
          image_source: images.url,
          image_os_hash_algo: 'sha256',
          image_os_hash_value: sha256(image),
        },
      },
      settings: {
        ...settings,
        conductor: { deploy_kernel, deploy_ramdisk },
        deploy: { http_url: `http://127.0.0.1:${port}`, external_callback_url: api.url },
      },
    }),
  );
  const files = createBootFiles(rig.task.settings, systemClock);
  const serveMedia: (
    ...args: Parameters<NonNullable<Parameters<typeof createServer>[1]>>
  ) => Promise<void> = async (request, response) => {
    const iso = await composeBootMedia(rig.task.settings, rig.task.node, files, rig.task.signal);
    if (iso && request.url?.startsWith(`/ingot/boot/${nodeUuid}/`)) await serveIso(iso, request, response);
    else response.writeHead(404).end();
  };
  let heard = 0;
  const nextHeartbeat = async (): Promise<void> => {
    const { body } = await api.request('/v1/heartbeat/', heard + 1);
    heard += 1;
    const { task } = rig;
    const token = task.node.driver_internal_info['agent_secret_token'];
    assert.equal(body['agent_token'], token, 'the agent has the token of its boot');
    task.apply({ driver_internal_info: { agent_url: body['callback_url'] } });
    task.agentHeardAt = Date.now();
  };
  const untilNext = async (outcome: Extract<StepOutcome, { kind: 'wait' }>): Promise<void> => {
    if (outcome.for === 'poll') return await systemClock.sleep(outcome.afterSeconds * 1000);
    if (outcome.for === 'reboot') throw new Error('no step of a deployment reboots');
    if (rig.task.agentHeardAt === null) return await nextHeartbeat();
    assert.ok(outcome.pollSeconds, 'a command that runs is looked at');
    await systemClock.sleep(outcome.pollSeconds * 1000);
  };
  return {
    rig,
    api,
    async finish(name) {
      const { task } = rig;
      const step = task.driver.deploy.steps?.find((each) => each.step === name);
      assert.ok(step, name);
      for (;;) {
        const outcome = await rig.throughDeaths(() => step.run(task, {}));
        task.apply(outcome.changes);
        if (outcome.kind === 'done') break;
        assert.equal(outcome.kind, 'wait');
        await untilNext(outcome);
      }
      task.memo = {};
      task.attempt = 1;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function startOfDisk(rig: Rig, length: number): Promise<Buffer> {
  const [disk] = rig.machine.disks;
  assert.ok(disk);
  await using file = await open(disk.file);
  return (await file.read(Buffer.alloc(length), 0, length, 0)).buffer;
}

describe('a deployment with the real agent', () => {
  it('writes the image and starts it, each action once, though the conductor dies at every commit', async () => {
    const image = aGptImage({ size: 8 * 1024 ** 2 });
    await using site = await aSite(image);
    const { rig } = site;
    for (const step of steps) await site.finish(step);
    // Behind the partition table, which may grow to the disk's size, everything is as in the image.
    const [written, behindTable] = [await startOfDisk(rig, image.length), 34 * 512];
    const end = image.length - behindTable;
    assert.ok(written.subarray(behindTable, end).equals(image.subarray(behindTable, end)));
    const media = rig.actions().filter((action) => !action.startsWith('PATCH'));
    assert.deepEqual(media, ['InsertMedia', 'On', 'EjectMedia', 'On']);
    const boots = rig.sim.log(rig.machine.uuid).filter((entry) => entry.kind === 'boot');
    await rig.sim.waitFor(
      rig.machine.uuid,
      (entry) => entry.kind === 'boot' && entry.outcome === 'os',
      AbortSignal.timeout(20_000),
    );
    assert.equal(boots[0]?.kind === 'boot' && boots[0].outcome, 'agent');
    assert.equal(rig.task.node.power_state, 'power on');
  });

  it('fails with what the agent found wrong', async () => {
    await using site = await aSite(aGptImage());
    const { task } = site.rig;
    task.apply({ instance_info: { ...task.node.instance_info, image_os_hash_value: 'ab'.repeat(32) } });
    await site.finish('deploy');
    await assert.rejects(
      site.finish(writingStep),
      /The agent failed at writing the image: .*(checksum|sha256)/i,
    );
  });

  it('fails when the agent dies while it writes', async () => {
    await using site = await aSite(aGptImage({ size: 16 * 1024 ** 2 }));
    const { rig } = site;
    await site.finish('deploy');
    rig.sim.setFault(rig.machine.uuid, { kind: 'agent-death', after_bytes: 1024 ** 2 });
    await assert.rejects(
      site.finish(writingStep),
      /The agent at http.* stopped answering while writing the image/,
    );
  });
});
