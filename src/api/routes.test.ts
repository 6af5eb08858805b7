import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { maxMinor, minMinor } from '#model/microversion.ts';
import { allowedMethods } from './allowed-methods.ts';
import { routes } from './routes.ts';
import { innerError, startApi } from './testing/api-under-test.ts';

describe('routes', () => {
  it('every route names a policy and the version it appeared in', () => {
    for (const route of routes) {
      const name = `${route.method} ${route.path}`;
      assert.match(route.policy, /^(public|baremetal:[a-z_:]+)$/, name);
      assert.ok(route.since >= minMinor && route.since <= maxMinor, name);
    }
  });

  it('no two routes are the same', () => {
    const names = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:[^/]+/g, ':')}`);
    assert.deepEqual(names, [...new Set(names)]);
  });

  it('below its version every route is turned away in the form its row says, and never with 5xx', async () => {
    await using api = await startApi();
    for (const route of routes.filter(({ since }) => since > minMinor)) {
      const path = `/v1${route.path.replaceAll(/:[^/]+/g, 'x')}`;
      const reply = await api.request(route.method, path, {
        version: `1.${route.since - 1}`,
        ...(route.method === 'GET' ? {} : { body: {} }),
      });
      const { status, form } = route.tooOld ?? { status: 404, form: 'fault' };
      assert.equal(reply.status, status, `${route.method} ${path}`);
      assert.equal('faultcode' in innerError(reply), form === 'fault', `${route.method} ${path}`);
      assert.equal(reply.headers.has('x-openstack-ironic-api-version'), form === 'fault');
    }
  });

  it('a collection and its members allow what either has', () => {
    const handler = () => ({ status: 204 });
    const common = { policy: 'public', since: 1, handler };
    const some = [
      { method: 'GET', path: '/a', ...common },
      { method: 'DELETE', path: '/a/:x', ...common },
      { method: 'PUT', path: '/a/:x/b', ...common },
    ] as const;
    assert.deepEqual(allowedMethods(some, '/a/1'), ['DELETE', 'GET']);
    assert.deepEqual(allowedMethods(some, '/a/1/b'), ['PUT']);
    assert.deepEqual(allowedMethods(some.slice(1), '/a'), ['DELETE']);
    assert.deepEqual(allowedMethods(some, '/a/1/c'), []);
  });
});
