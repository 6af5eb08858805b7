// Serves the API over a store that is thrown away, for the conformance kit: serve.ts PORT
import { startApi } from './api-under-test.ts';

const api = await startApi({
  port: Number(process.argv[2] ?? 0),
  settings: { api: { project_admin_can_manage_own_nodes: false } },
});
console.log(api.url);
process.once('SIGTERM', () => void api[Symbol.asyncDispose]());
