// The unmodified command line of Debian's packages takes a simulated Redfish machine through its whole life.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { MachineView } from '#sim/sim.ts';
import { createMachine, type DataCentre, openDataCentre } from '../support/data-centre.ts';
import { ServiceProcess } from '../support/service-process.ts';

const run = promisify(execFile);
const program = '/usr/bin/openstack';
const packages = ['python3-openstackclient', 'python3-ironicclient'];
// Debian's own Python, whatever else stands first on the path of whoever runs this.
const path = '/usr/sbin:/usr/bin:/sbin:/bin';

const isInstalled = (): boolean =>
  spawnSync('dpkg-query', ['-W', ...packages], { stdio: 'ignore' }).status === 0 && existsSync(program);

function installInContinuousIntegration(): void {
  if (isInstalled() || process.env['CI'] === undefined) return;
  const env = { ...process.env, PATH: path, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  for (const args of [['update'], install]) {
    const { status, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' });
    assert.equal(status, 0, `apt-get ${args.join(' ')}: ${stderr}`);
  }
}

installInContinuousIntegration();
const skip = isInstalled() ? false : `install ${packages.join(' and ')} to run it`;

describe('the openstack command line', { skip }, () => {
  let centre: DataCentre;
  let service: ServiceProcess;
  let machine: MachineView;

  before(async () => {
    centre = await openDataCentre();
    machine = await createMachine(centre.sim, {
      name: 'cli-1',
      // Room for the image and a config drive of 64 MiB.
      disks: [{ sizeBytes: 256 * 1024 ** 2 }],
    });
    service = await ServiceProcess.start({ folder: centre.folder, configuration: centre.configuration });
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await centre[Symbol.asyncDispose]();
  });

  /** What `openstack baremetal …` prints. Throws with what it said when it fails. */
  async function baremetal(...args: string[]): Promise<string> {
    const endpoint = ['--os-auth-type', 'none', '--os-endpoint', service.url];
    const { stdout } = await run(program, [...endpoint, 'baremetal', ...args], {
      env: { PATH: path, HOME: centre.folder, LANG: 'C.UTF-8' },
      timeout: 120_000,
    });
    return stdout;
  }

  /** What it prints with `-f json`. */
  async function shown<T = Record<string, unknown>>(...args: string[]): Promise<T> {
    return JSON.parse(await baremetal(...args, '-f', 'json')) as T; // Each caller reads what the client documents.
  }

  async function stateOf(): Promise<Record<string, unknown>> {
    const fields = ['provision_state', 'power_state', 'maintenance', 'last_error', 'reservation'];
    return await shown('node', 'show', machine.name, '--fields', ...fields);
  }

  it('creates the node and its port, and lists them', async () => {
    const info = Object.entries(machine.driver_info).flatMap(([name, value]) => [
      '--driver-info',
      `${name}=${value}`,
    ]);
    const node = await shown(
      'node',
      'create',
      '--driver',
      'redfish',
      '--name',
      machine.name,
      '--property',
      'root_device={"name": "/dev/sda"}',
      ...info,
    );
    assert.equal(node['provision_state'], 'enroll');
    assert.equal(node['deploy_interface'], 'direct');
    const [address = ''] = machine.macs;
    const port = await shown('port', 'create', address, '--node', String(node['uuid']));
    assert.equal(port['address'], address);

    const nodes = await shown<Record<string, unknown>[]>('node', 'list');
    assert.deepEqual(
      nodes.map((one) => [one['Name'], one['Provisioning State']]),
      [[machine.name, 'enroll']],
    );
    const drivers = await shown<Record<string, unknown>[]>('driver', 'list');
    assert.ok(drivers.some((one) => one['Supported driver(s)'] === 'redfish'));
    const conductors = await shown<Record<string, unknown>[]>('conductor', 'list');
    assert.deepEqual(
      conductors.map((one) => one['Alive']),
      [true],
    );
  });

  it('manages, inspects and provides it', async () => {
    await baremetal('node', 'manage', '--wait', '60', machine.name);
    await baremetal('node', 'inspect', '--wait', '60', machine.name);
    const properties = await shown('node', 'show', machine.name, '--fields', 'properties');
    assert.ok('cpu_arch' in (properties['properties'] as object), 'inspection found the architecture');
    await baremetal('node', 'provide', '--wait', '60', machine.name);
    assert.equal((await stateOf())['provision_state'], 'available');
  });

  it('validates and deploys it with a config drive', async () => {
    const image = [
      ['image_source', centre.imageUrl],
      ['image_os_hash_algo', 'sha256'],
      ['image_os_hash_value', centre.image.sha256],
    ].flatMap(([name, value]) => ['--instance-info', `${name}=${value}`]);
    await baremetal('node', 'set', machine.name, ...image);
    const verdicts = await shown<Record<string, unknown>[]>('node', 'validate', machine.name);
    const byInterface = new Map(verdicts.map((one) => [one['Interface'], one['Result']]));
    for (const type of ['boot', 'deploy', 'management', 'network', 'power', 'storage'])
      assert.equal(byInterface.get(type), true, `${type} of ${JSON.stringify(verdicts)}`);

    const drive = JSON.stringify({ meta_data: { hostname: 'cli-1' } });
    await baremetal('node', 'deploy', '--wait', '120', '--config-drive', drive, machine.name);
    const node = await stateOf();
    assert.equal(node['provision_state'], 'active');
    assert.equal(node['power_state'], 'power on');
    assert.equal(node['reservation'], null);
  });

  it('switches power and boot device', async () => {
    const powerIs = async (state: string): Promise<void> => {
      const node = await shown('node', 'show', machine.name, '--fields', 'power_state', 'target_power_state');
      if (node['power_state'] === state && node['target_power_state'] === null) return;
      await powerIs(state);
    };
    await baremetal('node', 'power', 'off', machine.name);
    await powerIs('power off');
    assert.equal(centre.sim.machine(machine.uuid).power_state, 'Off');
    await baremetal('node', 'power', 'on', machine.name);
    await powerIs('power on');
    await baremetal('node', 'reboot', machine.name);
    await powerIs('power on');
    await baremetal('node', 'boot', 'device', 'set', '--persistent', machine.name, 'disk');
    const device = await shown('node', 'boot', 'device', 'show', machine.name);
    assert.deepEqual([device['boot_device'], device['persistent']], ['disk', true]);
  });

  it('sets and ends maintenance', async () => {
    await baremetal('node', 'maintenance', 'set', '--reason', 'a fan', machine.name);
    assert.equal((await stateOf())['maintenance'], true);
    await baremetal('node', 'maintenance', 'unset', machine.name);
    assert.equal((await stateOf())['maintenance'], false);
  });

  it('rebuilds it, undeploys it, and shows its history', async () => {
    await baremetal('node', 'rebuild', '--wait', '120', machine.name);
    assert.equal((await stateOf())['provision_state'], 'active');
    await baremetal('node', 'undeploy', '--wait', '120', machine.name);
    assert.equal((await stateOf())['provision_state'], 'available');
    const history = await shown<unknown[]>('node', 'history', 'list', machine.name);
    assert.ok(history.length > 0, 'deployments and cleanings stand in its history');
  });

  it('deletes it', async () => {
    await baremetal('node', 'delete', machine.name);
    assert.deepEqual(await shown('node', 'list'), []);
  });
});
