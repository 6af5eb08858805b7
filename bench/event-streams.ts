// What streams of events cost an API that also answers for nodes: bench/event-streams.ts STREAMS URL PID.
// Measures the processor time of the process for each `GET /v1/nodes/X`: alone, beside that many idle streams, and
// beside as many while events flow. Time, not rate: other work on the machine changes that less.
import { request as httpRequest, Agent, type IncomingMessage } from 'node:http';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';

const count = Number(process.argv[2] ?? 1000);
const [, , , url, pid] = process.argv;
const seconds = 5;
const connections = 32;

if (!url || !pid) throw new Error('Usage: bench/event-streams.ts STREAMS URL PID');

const keepAlive = new Agent({ keepAlive: true, maxSockets: connections });

/** One request, its answer read to the end. */
async function ask(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
  const sent = httpRequest(`${url}${path}`, {
    method,
    agent: keepAlive,
    headers: {
      'x-openstack-ironic-api-version': '1.90',
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
  });
  sent.end(body ? JSON.stringify(body) : undefined);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  return { status: answer.statusCode ?? 0, text };
}

/** Milliseconds of processor time that the service has used (proc_pid_stat(5), in ticks of 10 ms). */
function processorTime(): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Microseconds of the service's processor for each answer to showing one node. */
async function costOfShow(uuid: string): Promise<{ cost: number; rate: number }> {
  const end = performance.now() + seconds * 1000;
  const before = processorTime();
  let answers = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      await ask('GET', `/v1/nodes/${uuid}`);
      answers += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  return { cost: ((processorTime() - before) * 1000) / answers, rate: answers / seconds };
}

/** An open stream; what comes is counted and thrown away. */
async function openStream(received: { bytes: number }): Promise<() => void> {
  const sent = httpRequest(`${url}/ingot/v1/events`, {
    agent: false,
    headers: { accept: 'text/event-stream' },
  });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.on('data', (chunk: Buffer) => {
    received.bytes += chunk.length;
  });
  answer.on('error', () => {});
  return () => answer.destroy();
}

const created = await ask('POST', '/v1/nodes', { driver: 'fake-hardware' });
const { uuid } = JSON.parse(created.text) as { uuid: string };
// What runs first is slower by far than what runs on.
for (let warming = 0; warming < 3; warming += 1) await costOfShow(uuid);
const before = await costOfShow(uuid);
const received = { bytes: 0 };
const streams: (() => void)[] = [];
for (let opened = 0; opened < count; opened += 1) streams.push(await openStream(received));
const besideIdle = await costOfShow(uuid);

// A maintenance flag that goes on and off is an event each time.
let changes = 0;
const flowing = new AbortController();
const flow = (async () => {
  while (!flowing.signal.aborted) {
    await ask(
      changes % 2 === 0 ? 'PUT' : 'DELETE',
      `/v1/nodes/${uuid}/maintenance`,
      changes % 2 === 0 ? {} : undefined,
    );
    changes += 1;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
})();
received.bytes = 0;
const besideFlow = await costOfShow(uuid);
flowing.abort();
await flow;
for (const close of streams) close();
const afterwards = await costOfShow(uuid);

const alone = (before.cost + afterwards.cost) / 2;
const line = ({ cost, rate }: { cost: number; rate: number }): string =>
  `${cost.toFixed(1)} µs of processor a show (${Math.round((cost / alone - 1) * 1000) / 10} % more), ${Math.round(rate)} a second`;
console.log(`no streams, before and after: ${line(before)}; ${line(afterwards)}`);
console.log(`beside ${count} idle streams: ${line(besideIdle)}`);
console.log(
  `beside ${count} streams of ${Math.round(changes / seconds)} events a second: ${line(besideFlow)}; ` +
    `${Math.round(received.bytes / 1e6)} MB delivered`,
);
keepAlive.destroy();
