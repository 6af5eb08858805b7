import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { encode } from '#db/columns.ts';
import { nodeColumns, type NodeRow } from '#db/tables.ts';
import { maxMinor, minMinor } from '#model/microversion.ts';
import { allNodeFields, nodeField } from '#model/node-fields.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { isSecretKey, mask } from '#model/secrets.ts';
import { mayHoldSecrets, NodeViews } from './serialize.ts';

const around = { baseUrl: 'http://here', conductor: 'host' };
const uuid = '11111111-2222-4333-8444-555555555555';

function aRow(columns: Partial<NodeRecord> = {}): NodeRow {
  const empty = Object.fromEntries(
    Object.entries(nodeColumns).map(([name, kind]) => [name, kind === 'json' ? '{}' : null]),
  );
  const some = encode<NodeRecord, typeof nodeColumns>(nodeColumns, { uuid, traits: [], ...columns });
  return { ...empty, ...some } as NodeRow; // Every column is there.
}

function shown(columns: Partial<NodeRecord>, minor = maxMinor): Record<string, unknown> {
  return JSON.parse(new NodeViews().full(minor).text(aRow(columns), around)) as Record<string, unknown>;
}

describe('the JSON of a node', () => {
  it('has each field from its microversion on, and none before', () => {
    const views = new NodeViews();
    for (let minor = minMinor; minor <= maxMinor; minor += 1) {
      const document = JSON.parse(views.full(minor).text(aRow(), around)) as object;
      const expected = allNodeFields.filter((name) => nodeField(name).since <= minor);
      assert.deepEqual(Object.keys(document), expected, `1.${minor}`);
    }
  });

  it('carries any text, unharmed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.jsonValue(), (text, value) => {
        const extra = { [text]: value };
        const document = shown({ name: text, description: text, owner: text, extra });
        assert.deepEqual([document['name'], document['description'], document['owner']], [text, text, text]);
        assert.deepEqual(document['extra'], JSON.parse(JSON.stringify(extra)));
      }),
    );
  });

  it('shows truths, times in whole seconds, links, and states as an older client knows them', () => {
    const columns = {
      maintenance: true,
      automated_clean: null,
      created_at: '2026-01-01T00:00:00.123456+00:00',
      provision_state: 'available',
    } as const;
    const document = shown(columns);
    assert.equal(document['maintenance'], true);
    assert.equal(document['automated_clean'], null);
    assert.equal(document['created_at'], '2026-01-01T00:00:00+00:00');
    assert.equal(document['conductor'], 'host');
    assert.deepEqual(document['ports'], [
      { href: `http://here/v1/nodes/${uuid}/ports`, rel: 'self' },
      { href: `http://here/nodes/${uuid}/ports`, rel: 'bookmark' },
    ]);
    assert.equal(document['provision_state'], 'available');
    assert.equal(shown(columns, 1)['provision_state'], null);
  });

  it('hides secrets at any depth, in what may hold them', () => {
    const secrets = { password: 'p', nested: [{ auth_token: 't' }], plain: 'x' };
    const document = shown({
      driver_info: { ...secrets, snmp_auth_key: 'k' },
      driver_internal_info: secrets,
      instance_info: { configdrive: 'c', image_url: 'u', plain: 'x' },
    });
    const hidden = { password: mask, nested: [{ auth_token: mask }], plain: 'x' };
    assert.deepEqual(document['driver_info'], { ...hidden, snmp_auth_key: mask });
    assert.deepEqual(document['driver_internal_info'], hidden);
    assert.deepEqual(document['instance_info'], { configdrive: mask, image_url: mask, plain: 'x' });
  });

  it('every key that is a secret is seen by the quick look', () => {
    const words =
      'PASSWORD sys_pswd cephClusterFsid rabbitCookie keystoneCredential swiftHashSuffix configDrive ' +
      'auth_Token to\u212aen sslKey Secret passphrase adminPass';
    const word = fc.constantFrom(...words.split(' '));
    const around = fc.string({ unit: 'binary', maxLength: 6 });
    fc.assert(
      fc.property(around, word, around, (before, secret, after) => {
        const key = before + secret + after;
        assert.ok(isSecretKey(key) && mayHoldSecrets(JSON.stringify({ [key]: 1 })), key);
      }),
    );
  });

  it('says nothing but the fields that were chosen', () => {
    const view = new NodeViews().of(['name', 'links'], 50);
    assert.deepEqual(Object.keys(JSON.parse(view.text(aRow(), around)) as object), ['name', 'links']);
    assert.deepEqual([...view.columns].toSorted(), ['name', 'uuid']);
  });
});
