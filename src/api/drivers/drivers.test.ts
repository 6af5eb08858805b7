import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { registerConductor } from '#db/conductors.ts';
import { systemClock } from '#model/clock.ts';
import { type ApiUnderTest, type Reply, startApi } from '../testing/api-under-test.ts';

describe('drivers and conductors', () => {
  let api: ApiUnderTest;
  const get = async (path: string, version = '1.115'): Promise<Reply> =>
    await api.request('GET', `/v1${path}`, { version });

  before(async () => {
    api = await startApi();
    // One that died an hour ago, with a driver nobody else has.
    await api.store.write(
      async (transaction) =>
        await registerConductor(
          transaction,
          {
            hostname: 'dead-one',
            life: 'long past',
            conductorGroup: '',
            interfaces: [
              { hardware_type: 'gone', interface_type: 'power', interface_name: 'fake', is_default: true },
            ],
          },
          { ...systemClock, now: () => Date.now() - 3_600_000 },
        ),
    );
  });
  after(async () => await api[Symbol.asyncDispose]());

  it('lists the drivers of live conductors, to each version its own fields', async () => {
    const [driver, ...others] = (await get('/drivers', '1.13')).json.drivers;
    assert.deepEqual(others, []);
    assert.deepEqual(Object.keys(driver), ['name', 'hosts', 'links']);
    assert.deepEqual([driver.name, driver.hosts.length], ['fake-hardware', 1]);
    assert.ok('properties' in (await get('/drivers', '1.14')).json.drivers[0]);
    assert.equal((await get('/drivers', '1.30')).json.drivers[0].type, 'dynamic');
    assert.deepEqual((await get('/drivers?type=classic')).json, { drivers: [] });
  });

  it('shows the interfaces of a driver from the versions that know them', async () => {
    const shown = (await get('/drivers/fake-hardware')).json;
    assert.equal(shown.default_power_interface, 'fake');
    assert.deepEqual(shown.enabled_power_interfaces, ['fake']);
    for (const [type, since] of [
      ['power', 30],
      ['storage', 33],
      ['rescue', 38],
      ['bios', 40],
      ['firmware', 86],
    ] as const) {
      assert.ok(
        !(`default_${type}_interface` in (await get('/drivers/fake-hardware', `1.${since - 1}`)).json),
      );
      assert.ok(`default_${type}_interface` in (await get('/drivers/fake-hardware', `1.${since}`)).json);
    }
    const listed = (await get('/drivers?detail=true')).json.drivers[0];
    assert.deepEqual(listed, shown);
  });

  for (const [path, version, status] of [
    ['/drivers?type=foo', '1.115', 400],
    ['/drivers?type=dynamic', '1.29', 406],
    ['/drivers?detail=true', '1.29', 406],
    ['/drivers?detail=x', '1.115', 400],
    ['/drivers?fields=name', '1.76', 406],
    ['/drivers?fields=default_power_interface', '1.115', 400],
    ['/drivers?fields=name&detail=true', '1.115', 400],
    ['/drivers?limit=1', '1.115', 400],
    ['/drivers/gone', '1.115', 404],
    ['/drivers/nope?fields=foo', '1.115', 404],
    ['/drivers/fake-hardware?fields=foo', '1.115', 400],
    ['/drivers/nope/properties', '1.115', 404],
    ['/drivers/fake-hardware/properties', '1.115', 200],
    ['/drivers/fake-hardware/raid/logical_disk_properties', '1.11', 406],
    ['/drivers/fake-hardware/raid/logical_disk_properties', '1.12', 200],
    ['/conductors', '1.48', 404],
    ['/conductors?sort_key=alive', '1.115', 400],
    ['/conductors?sort_key=foo', '1.115', 400],
    ['/conductors?marker=x', '1.115', 404],
    ['/conductors?fields=foo', '1.115', 400],
    ['/conductors?fields=hostname&detail=true', '1.115', 400],
    ['/conductors/none', '1.115', 404],
    ['/conductors/a b', '1.115', 400],
    ['/conductors/dead-one?detail=true', '1.115', 400],
  ] as const)
    it(`answers GET ${path} at ${version} with ${status}`, async () => {
      const reply = await get(path, version);
      assert.equal(reply.status, status, reply.text);
    });

  it('chooses fields of drivers, with their links', async () => {
    const [driver] = (await get('/drivers?fields=name')).json.drivers;
    assert.deepEqual(Object.keys(driver), ['name', 'links']);
  });

  it('lists conductors, dead ones too, page by page', async () => {
    const { conductors } = (await get('/conductors')).json;
    assert.deepEqual(Object.keys(conductors[0]), ['hostname', 'conductor_group', 'alive', 'links']);
    assert.deepEqual(
      conductors.map((each: { alive: boolean }) => each.alive),
      [true, false],
    );
    const page = (await get('/conductors?limit=1&detail=true&sort_key=hostname&sort_dir=desc')).json;
    assert.equal(page.conductors[0].hostname, 'dead-one');
    assert.deepEqual(page.conductors[0].drivers, ['gone']);
    const rest = await api.request('GET', page.next.slice(api.url.length));
    assert.equal(rest.json.conductors[0].hostname, conductors[0].hostname);
    assert.deepEqual((await get('/conductors/dead-one?fields=alive')).json.alive, false);
  });
});
