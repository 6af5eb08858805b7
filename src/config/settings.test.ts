import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ConfigError } from './config-error.ts';
import { checkValue, type Option } from './option.ts';
import { options } from './options.ts';
import { loadSettings, type SettingsOverrides } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'ingot-config-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function file(...lines: string[]): string {
  const path = join(folder, 'ironic.conf');
  writeFileSync(path, lines.join('\n'));
  return path;
}

/** Checks that a configuration is refused, and returns the one sentence an operator gets. */
function refusal(path: string | undefined, overrides?: SettingsOverrides): string {
  try {
    loadSettings(path, overrides);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.ok(!error.message.includes('\n'));
    return error.message;
  }
  return assert.fail('the configuration was accepted');
}

const everyOption = Object.entries(options).flatMap(([group, rows]) =>
  Object.entries(rows).map(([name, row]): [string, Option<unknown>] => [`[${group}] ${name}`, row]),
);

describe('for every setting', () => {
  for (const [name, row] of everyOption)
    test(`${name} has a default it would accept, and a meaning of one sentence`, () => {
      checkValue(row, row.default);
      assert.match(row.meaning, /^[A-Z].*\.$/);
      if (row.ironic) assert.notDeepEqual(row.ironic.default, row.default);
    });
});

test('without a file everything has its default', () => {
  const { settings, warnings } = loadSettings();
  assert.deepEqual(warnings, []);
  assert.equal(settings.conductor.heartbeat_interval, 10);
  assert.equal(settings.redfish.tls_minimum_version, null);
  assert.equal(settings.DEFAULT.host, hostname());
  assert.notEqual(settings.DEFAULT.my_ip, '');
});

test('a file in the form of oslo.config is read as Ironic reads it', () => {
  const { settings, warnings } = loadSettings(
    file(
      '# a comment',
      'debug = Yes',
      '[DEFAULT]',
      'host: conductor-1',
      'enabled_hardware_types = redfish,',
      '  # inside a value a line that begins with a blank is no comment',
      '  fake-hardware',
      'enabled_boot_interfaces =',
      '',
      '[conductor]',
      '; another comment',
      'heartbeat-interval = 0.5',
      'deploy_callback_timeout=0',
      'clean_step_priority_override = deploy.erase_devices:0',
      'clean_step_priority_override = bios.factory_reset:12,raid.delete_configuration:3',
      'deploy_kernel = "http://files/kernel;v=1#top"',
      'max_concurrent_clean = 7',
      'max_concurrent_clean = 9',
      '[deploy]',
      'erase_devices_priority =',
      '[fake]',
      'power_delay = 1, 5.5',
      '[redfish]',
      'auth_type = basic',
    ),
  );
  assert.deepEqual(warnings, []);
  assert.equal(settings.DEFAULT.debug, true);
  assert.equal(settings.DEFAULT.host, 'conductor-1');
  assert.deepEqual(settings.DEFAULT.enabled_boot_interfaces, []);
  assert.equal(settings.conductor.heartbeat_interval, 0.5);
  assert.equal(settings.conductor.deploy_callback_timeout, 0);
  assert.equal(settings.conductor.max_concurrent_clean, 9);
  assert.deepEqual(settings.conductor.clean_step_priority_override, {
    'deploy.erase_devices': 0,
    'bios.factory_reset': 12,
    'raid.delete_configuration': 3,
  });
  assert.equal(settings.conductor.deploy_kernel, 'http://files/kernel;v=1#top');
  assert.equal(settings.deploy.erase_devices_priority, null);
  assert.deepEqual(settings.fake.power_delay, [1, 5.5]);
  assert.equal(settings.redfish.auth_type, 'basic');
});

test('a value may refer to others by name, in its group or in another', () => {
  const { settings } = loadSettings(
    file(
      '[DEFAULT]',
      'my_ip = 192.0.2.7',
      'base = /srv',
      '[deploy]',
      'http_url = http://$my_ip:8080/${fast_track_timeout}',
      'image_server_password = $base/http',
      'image_server_user = cash$$',
      '[ingot]',
      'data_path = /srv/ingot',
    ),
  );
  assert.equal(settings.deploy.http_url, 'http://192.0.2.7:8080/300');
  assert.equal(settings.deploy.image_server_password, '/srv/http');
  assert.equal(settings.deploy.image_server_user, 'cash$');
  assert.equal(settings.database.connection, 'sqlite:////srv/ingot/ingot.sqlite');
});

test('what the command line says counts more than the file, also where others refer to it', () => {
  const path = file('[api]', 'port = 1000', '[ingot]', 'data_path = /from/file');
  const { settings } = loadSettings(path, { api: { port: 0 }, ingot: { data_path: '/elsewhere' } });
  assert.equal(settings.api.port, 0);
  assert.equal(settings.database.connection, 'sqlite:////elsewhere/ingot.sqlite');
});

test('an option that is not used is told once, a group that is not used as one', () => {
  const { warnings } = loadSettings(
    file(
      '[conductor]',
      'heartbeat_intervall = 3',
      '[glance]',
      'auth_url = x',
      'username = y',
      '[api]',
      'port = 1',
    ),
  );
  assert.equal(warnings.length, 2);
  assert.match(warnings[0] ?? '', /ironic\.conf:2: \[conductor\] heartbeat_intervall is not used\./);
  assert.match(warnings[1] ?? '', /the group \[glance\] is not used\./);
});

test('an old name is read as the new one, and told', () => {
  const { settings, warnings } = loadSettings(file('[DEFAULT]', 'sql_connection = sqlite:////old.sqlite'));
  assert.equal(settings.database.connection, 'sqlite:////old.sqlite');
  assert.match(warnings[0] ?? '', /\[DEFAULT\] sql_connection is an old name of \[database\] connection\./);
});

test('a group named like a property of every object is one that is not used', () => {
  const { warnings } = loadSettings(file('[__proto__]', 'polluted = yes', '[constructor]', 'name = x'));
  assert.equal(warnings.length, 2);
  assert.ok(!('polluted' in {}));
});

describe('a bad value is refused with its place, its option, and what is allowed', () => {
  const refusals: [string[], RegExp][] = [
    [
      ['[api]', 'port = http'],
      /ironic\.conf:2: \[api\] port is 'http', which is not a whole number from 0 to 65535\.$/,
    ],
    [['[api]', 'port = 70000'], /from 0 to 65535/],
    [['[api]', 'port ='], /whole number/],
    [['[conductor]', 'max_concurrent_clean = 1.5'], /a whole number of at least 1/],
    [['[conductor]', 'automated_clean = maybe'], /is 'maybe', which is not true or false/],
    [['[conductor]', 'heartbeat_interval = soon'], /a number of seconds/],
    [['[conductor]', 'heartbeat_timeout = -1'], /from 0\.01 to/],
    [['[redfish]', 'auth_type = digest'], /one of basic, session, auto/],
    [['[fake]', 'power_delay = 1,x'], /a list of numbers/],
    [
      ['[conductor]', 'clean_step_priority_override = bios.factory_reset:high'],
      /is 'bios\.factory_reset:high', which is not a list of interface\.step:priority pairs/,
    ],
    [['[conductor]', 'verify_step_priority_override = factory_reset:5'], /interface\.step:priority/],
    [['[conductor]', 'deploy_kernel_by_arch = x86_64'], /'x86_64' without a colon/],
    [['[deploy]', 'http_url = $nowhere/x'], /refers to \$nowhere, which no option gives/],
    [['[deploy]', 'http_url = $http_root', 'http_root = $http_url'], /refers to itself/],
    [['[api'], /:1: the name of a group stands in brackets/],
    [['[api]', 'port'], /:2: this line is neither/],
    [['  port = 1'], /:1: a line that begins with a blank continues nothing/],
  ];
  for (const [lines, message] of refusals)
    test(lines.join(' / '), () => {
      assert.match(refusal(file(...lines)), message);
    });

  test('from the command line, without a file', () => {
    assert.equal(
      refusal(undefined, { api: { port: 65_536 } }),
      "[api] port is '65536', which is not a whole number from 0 to 65535.",
    );
  });

  test('and without the value where it is a secret', () => {
    const message = refusal(file('[deploy]', 'image_server_password = $hunter2'));
    assert.match(message, /\[deploy\] image_server_password/);
    assert.ok(!message.includes('hunter2'));
  });
});

test('a file that cannot be read is one clear sentence', () => {
  assert.equal(
    refusal(join(folder, 'absent.conf')),
    `The configuration file ${join(folder, 'absent.conf')} cannot be read: there is no such file.`,
  );
  assert.match(refusal(folder), /cannot be read: it is a folder\.$/);
});
