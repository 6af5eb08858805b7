import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import {
  InvalidParameterValue,
  IronicException,
  NodeLocked,
  NoFreeConductorWorker,
  NoValidHost,
  TemporaryFailure,
} from '#model/faults.ts';
import { NotDelivered, type RequestContext } from '#protocol/rpc.ts';
import { answering, carriers } from './testing/carriers.ts';

const context: RequestContext = { requestId: 'req-1', userId: 'someone', traceparent: '00-1-2-01' };
const conductor = { hostname: 'c1', hardwareTypes: ['redfish'] };
const node = 'a-node';

for (const [name, start] of Object.entries(carriers))
  describe(`calls ${name}`, () => {
    let way: Awaited<ReturnType<typeof start>>;
    before(async () => {
      way = await start();
    });
    after(async () => await way.stop());

    it('come with their arguments and context and give their result', async () => {
      await using carrier = await way.make();
      const heard: unknown[] = [];
      await carrier.server.serve(
        conductor,
        answering({
          get_boot_device: async (args, about) => {
            heard.push(args, about);
            return { boot_device: 'pxe', persistent: null };
          },
          destroy_node: async () => {},
        }),
      );
      const result = await carrier.client.call('c1', 'get_boot_device', { node }, context);
      assert.deepEqual(result, { boot_device: 'pxe', persistent: null });
      assert.deepEqual(heard, [{ node }, context]);
      assert.equal(await carrier.client.call('c1', 'destroy_node', { node }, context), undefined);
    });

    it('reach a conductor whatever it is called', async () => {
      await using carrier = await way.make();
      for (const hostname of ['rack-1.example.com', 'a b', '*', '>', 'é/%2E', 'c1.'])
        await carrier.server.serve(
          { hostname, hardwareTypes: [] },
          answering({ get_supported_boot_devices: async () => [hostname] }),
        );
      for (const hostname of ['rack-1.example.com', 'a b', '*', '>', 'é/%2E', 'c1.']) {
        const answer = await carrier.client.call(hostname, 'get_supported_boot_devices', { node }, context);
        assert.deepEqual(answer, [hostname]);
      }
    });

    it('hand over copies', async () => {
      await using carrier = await way.make();
      const kept = { result: true };
      await carrier.server.serve(
        conductor,
        answering({
          do_node_deploy: async ({ configdrive }) => {
            Object.assign(configdrive as object, { meta_data: 'changed' });
          },
          validate_driver_interfaces: async () => ({ power: kept }),
        }),
      );
      const args = { node, rebuild: false, configdrive: { meta_data: 'mine' }, steps: [] };
      await carrier.client.call('c1', 'do_node_deploy', args, context);
      assert.deepEqual(args.configdrive, { meta_data: 'mine' });
      const answer = await carrier.client.call('c1', 'validate_driver_interfaces', { node }, context);
      assert.deepEqual(answer['power'], kept);
      assert.notEqual(answer['power'], kept);
    });

    it('throw the fault that was thrown: its class, fields, status and words', async () => {
      await using carrier = await way.make();
      await carrier.server.serve(
        conductor,
        answering({
          destroy_node: async () => {
            throw new NodeLocked({ node, host: 'c2' }, { cause: new Error('hunter2') });
          },
          destroy_port: async () => {
            throw new NoValidHost({ reason: 'none' }, { status: 400 });
          },
        }),
      );
      await assert.rejects(
        carrier.client.call('c1', 'destroy_node', { node }, context),
        (error) =>
          error instanceof NodeLocked &&
          error.message === new NodeLocked({ node, host: 'c2' }).message &&
          error.fields.host === 'c2' &&
          error.cause === undefined,
      );
      await assert.rejects(
        carrier.client.call('c1', 'destroy_port', { port: 'p' }, context),
        (error) => error instanceof NoValidHost && error.status === 400,
      );
    });

    it('tell of a defect no more than where to read of it', async () => {
      await using carrier = await way.make();
      const defect = new TypeError('the password is hunter2');
      await carrier.server.serve(
        conductor,
        answering({
          destroy_node: async () => {
            throw defect;
          },
        }),
      );
      await assert.rejects(
        carrier.client.call('c1', 'destroy_node', { node }, context),
        (error) =>
          error instanceof IronicException &&
          error.status === 500 &&
          error.message.includes('req-1') &&
          !error.message.includes('hunter2'),
      );
      assert.deepEqual(
        carrier.logged.map(({ level, fields }) => ({ level, fields })),
        [{ level: 'error', fields: { err: defect, call: 'destroy_node', node, request: 'req-1' } }],
      );
    });

    it('to nobody were surely not delivered', async () => {
      await using carrier = await way.make();
      await assert.rejects(carrier.client.call('c9', 'destroy_node', { node }, context), NotDelivered);
      await assert.rejects(carrier.client.callAny('ipmi', 'get_driver_properties', context), NotDelivered);
    });

    it('that the conductor is too old to know are refused in so many words', async () => {
      await using carrier = await way.make();
      await carrier.server.serve(conductor, answering({}));
      for (const unknown of ['destroy_node', 'toString', 'constructor'])
        await assert.rejects(
          carrier.client.call('c1', unknown as 'destroy_node', { node }, context),
          (error) => error instanceof TemporaryFailure && /does not know the call/.test(error.message),
        );
    });

    it('end at the deadline, done or not', async () => {
      await using carrier = await way.make({ DEFAULT: { rpc_response_timeout: 0.05 } });
      const done = Promise.withResolvers<void>();
      await carrier.server.serve(conductor, answering({ destroy_node: async () => await done.promise }));
      await assert.rejects(
        carrier.client.call('c1', 'destroy_node', { node }, context),
        (error) =>
          error instanceof TemporaryFailure &&
          !(error instanceof NotDelivered) &&
          /may or may not have been accepted/.test(error.message),
      );
      done.resolve();
    });

    it('beyond what a conductor does at once are refused at once', async () => {
      await using carrier = await way.make({ ingot: { rpc_served_at_once: 2 } });
      const { hold, release, reached } = aHold(2);
      await carrier.server.serve(conductor, answering({ destroy_node: hold }));
      const call = async (): Promise<void> =>
        await carrier.client.call('c1', 'destroy_node', { node }, context);
      const first = [call(), call()];
      await reached;
      await assert.rejects(call(), NoFreeConductorWorker);
      release();
      await Promise.all(first);
      await call();
    });

    it('beyond what a process makes at once are refused before they are sent', async () => {
      await using carrier = await way.make({ ingot: { rpc_calls_at_once: 1 } });
      const { hold, release, reached } = aHold(1);
      await carrier.server.serve(conductor, answering({ destroy_node: hold }));
      const call = async (): Promise<void> =>
        await carrier.client.call('c1', 'destroy_node', { node }, context);
      const first = call();
      await reached;
      await assert.rejects(call(), TemporaryFailure);
      release();
      await first;
      await call();
    });

    it('may be of many megabytes, and so may their answers', async () => {
      await using carrier = await way.make();
      const configdrive = randomBytes(4 * 2 ** 20).toString('base64');
      const answer = randomBytes(3 * 2 ** 20).toString('base64');
      let heard: unknown;
      await carrier.server.serve(
        conductor,
        answering({
          do_node_deploy: async (args) => {
            heard = args.configdrive;
          },
          get_driver_properties: async () => ({ answer }),
        }),
      );
      const args = { node, rebuild: false, configdrive, steps: [] };
      await carrier.client.call('c1', 'do_node_deploy', args, context);
      assert.ok(heard === configdrive);
      const properties = await carrier.client.callAny('redfish', 'get_driver_properties', context);
      assert.ok(properties['answer'] === answer);
    });

    it('and answers beyond the limit are refused in so many words', async () => {
      await using carrier = await way.make({ ingot: { rpc_message_limit: 1 } });
      const tooMuch = randomBytes(2 ** 20).toString('base64');
      let isHeard = false;
      await carrier.server.serve(
        conductor,
        answering({
          do_node_deploy: async () => {
            isHeard = true;
          },
          get_driver_properties: async () => ({ tooMuch }),
        }),
      );
      const args = { node, rebuild: false, configdrive: tooMuch, steps: [] };
      await assert.rejects(
        carrier.client.call('c1', 'do_node_deploy', args, context),
        (error) => error instanceof InvalidParameterValue && /larger than 1 MiB/.test(error.message),
      );
      assert.equal(isHeard, false);
      await assert.rejects(
        carrier.client.callAny('redfish', 'get_driver_properties', context),
        (error) => error instanceof IronicException && /larger than 1 MiB/.test(error.message),
      );
    });

    it('under way are answered when their conductor stops, and no others', async () => {
      await using carrier = await way.make();
      const { hold, release, reached } = aHold(1);
      const served = await carrier.server.serve(conductor, answering({ destroy_node: hold }));
      const underWay = carrier.client.call('c1', 'destroy_node', { node }, context);
      await reached;
      const stopped = served.stop();
      await assert.rejects(async () => {
        // The broker hears of it at some time before `stop` resolves.
        for (;;) await carrier.client.call('c1', 'get_boot_device', { node }, context).catch(onlyUnknown);
      }, NotDelivered);
      release();
      await underWay;
      await stopped;
      await served.stop();
    });

    it('to any conductor with a hardware type reach one that is there', async () => {
      await using carrier = await way.make();
      const asked = new Set<string>();
      const serve = async (hostname: string, hardwareTypes: string[]) =>
        await carrier.server.serve(
          { hostname, hardwareTypes },
          answering({
            get_driver_properties: async ({ driver }) => {
              asked.add(hostname);
              return { driver };
            },
          }),
        );
      const one = await serve('one', ['redfish']);
      await serve('two', ['redfish', 'ipmi']);
      await serve('three', ['ipmi']);
      await one.stop();
      for (let times = 0; times < 10; times += 1)
        assert.deepEqual(await carrier.client.callAny('redfish', 'get_driver_properties', context), {
          driver: 'redfish',
        });
      assert.deepEqual([...asked], ['two']);
    });
  });

/** A handler that answers when it is told to, and a promise of its being called so often. */
function aHold(times: number) {
  const gate = new EventTarget();
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  let isOpen = false;
  return {
    reached,
    hold: async (): Promise<void> => {
      calls += 1;
      if (calls === times) resolve();
      if (!isOpen) await once(gate, 'open');
    },
    release: (): void => {
      isOpen = true;
      gate.dispatchEvent(new Event('open'));
    },
  };
}

function onlyUnknown(error: unknown): void {
  if (error instanceof NotDelivered) throw error;
}
