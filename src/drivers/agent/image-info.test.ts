import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aNode, someSettings } from '../testing/a-task.ts';
import { imageInfoOf } from './image-info.ts';

const settings = someSettings({
  deploy: {
    image_server_auth_strategy: 'http_basic',
    image_server_user: 'operator',
    image_server_password: 'secret',
    image_server_auth_hosts: ['images.example', 'images.example:8443'],
  },
});

const passwordFor = (image_source: string, image_checksum = 'a'.repeat(64)) =>
  imageInfoOf(aNode({ instance_info: { image_source, image_checksum } }), settings).image_server_password;

describe("the operator's password of an image server", () => {
  it('goes to the servers that the operator named', () => {
    assert.equal(passwordFor('https://images.example/a.raw'), 'secret');
    assert.equal(
      passwordFor('https://images.example:8443/a.raw', 'https://images.example/SHA256SUMS'),
      'secret',
    );
  });

  it('goes to no other, whoever names it and wherever it stands', () => {
    for (const source of [
      'https://elsewhere.example/a.raw',
      'https://images.example:444/a.raw',
      'https://images.example@elsewhere.example/a.raw',
      'https://images.example.elsewhere.example/a.raw',
    ])
      assert.equal(passwordFor(source), undefined, source);
    assert.equal(
      passwordFor('https://images.example/a.raw', 'https://elsewhere.example/SHA256SUMS'),
      undefined,
    );
  });
});
