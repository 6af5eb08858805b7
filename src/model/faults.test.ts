import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from './fault.ts';
import { faultClasses, faultFromWire } from './fault-wire.ts';
import { InvalidParameterValue, NodeLocked, NoValidHost } from './faults.ts';

/** Fields that any fault's message can be made of: a word for every name, a list where one is joined. */
const anyFields: Record<string, unknown> = new Proxy(
  { text: 'some text', valid: ['a', 'b'] },
  { get: (known, name) => Reflect.get(known, name) ?? `<${String(name)}>` },
);

describe('for every fault of the catalogue', () => {
  for (const [name, FaultClass] of faultClasses) {
    test(`${name} is named as its class, has a client's or a server's status, and says something`, () => {
      // The proxy stands for whatever fields the class has.
      const fault = new FaultClass(anyFields as never);
      assert.ok(fault instanceof Fault);
      assert.equal(FaultClass.name, name);
      assert.ok(fault.status >= 400 && fault.status <= 503);
      assert.notEqual(fault.message, '');
      assert.ok(!fault.message.includes('undefined'));
    });
  }
});

test('a fault crosses to another process whole, but for its cause', () => {
  const sent = new NodeLocked({ node: 'n1', host: 'c1' }, { cause: new Error('a secret of this process') });
  const text = JSON.stringify(sent.toWire());
  const received = faultFromWire(JSON.parse(text));

  assert.ok(received instanceof NodeLocked);
  assert.equal(
    received.message,
    'Node n1 is locked by host c1, please retry after the current operation is completed.',
  );
  assert.deepEqual([received.status, received.fields], [409, { node: 'n1', host: 'c1' }]);
  assert.ok(!text.includes('secret'));
});

test('a sentence of its own crosses too', () => {
  const received = faultFromWire(new InvalidParameterValue('capacity must be positive').toWire());
  assert.ok(received instanceof InvalidParameterValue);
  assert.equal(received.message, 'capacity must be positive');
});

test('a status given for one route stays with the fault', () => {
  const received = faultFromWire(new NoValidHost({ reason: 'no conductor' }, { status: 400 }).toWire());
  assert.equal(received.status, 400);
});

test('a fault of a newer conductor answers the same without being known', () => {
  const received = faultFromWire({ name: 'FromTheFuture', status: 418, message: 'new', fields: { a: 1 } });
  assert.deepEqual([received.faultName, received.status, received.message], ['FromTheFuture', 418, 'new']);
});
