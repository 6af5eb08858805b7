// The agent's HTTP API, on node:http alone: few routes, one caller, and a start that must be quick.
import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { isJsonObject } from '#model/json-object.ts';
import { agentVersion } from '#protocol/agent-commands.ts';
import type { AgentCommandRequest } from '#protocol/agent-commands.ts';
import type { CommandRunner } from './command-runner.ts';
import { AgentFault, BodyTooLarge, InvalidContent, NoSuchPath, WrongToken } from './faults.ts';
import type { Log } from './log.ts';

export interface ApiServer extends AsyncDisposable {
  readonly port: number;
}

export interface ApiSettings {
  host: string;
  /** 0 takes a free one. */
  port: number;
  runner: CommandRunner;
  /** Null while none is known: then no command is taken. */
  token: () => string | null;
  startedAtSeconds: number;
  log: Log;
}

interface Call {
  method: string;
  url: URL;
  request: IncomingMessage;
  settings: ApiSettings;
  /** Aborted when the caller goes away. */
  signal: AbortSignal;
}

/** A config drive of the largest size as base64, and what is around it. */
const maximumBody = 96 * 1024 ** 2;
const maximumConnections = 64;
/** How long answers may take to leave when the agent ends. */
const closingMilliseconds = 5000;

/** Listens until disposed; that lets answers on their way leave first. */
export async function serveApi(settings: ApiSettings): Promise<ApiServer> {
  const server = createServer((request, response) => void answer(settings, request, response));
  server.maxConnections = maximumConnections;
  server.requestTimeout = 120_000;
  server.listen(settings.port, settings.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { port, [Symbol.asyncDispose]: () => closeServer(server) };
}

async function closeServer(server: Server) {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), closingMilliseconds);
  await closed;
  clearTimeout(timer);
}

async function answer(settings: ApiSettings, request: IncomingMessage, response: ServerResponse) {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const { method = 'GET' } = request;
    const url = URL.parse(request.url ?? '/', 'http://agent');
    if (url === null) throw new NoSuchPath(method, 'what is no path');
    send(response, 200, await route({ method, url, request, settings, signal: gone.signal }));
  } catch (error) {
    if (gone.signal.aborted) return;
    if (!(error instanceof AgentFault)) settings.log.error(`${request.method} failed`, error);
    const code = error instanceof AgentFault ? error.code : 500;
    const text = error instanceof AgentFault ? error.message : 'The agent failed to answer; its log says why';
    send(response, code, { faultcode: code < 500 ? 'Client' : 'Server', faultstring: text });
  }
}

/** Every path, with and without /v1 and a slash at the end, as ironic-python-agent has them. */
async function route(call: Call): Promise<unknown> {
  const { method, url, settings } = call;
  const path = url.pathname.replace(/(?<!\/)\/+$/, '').replace(/^\/v1(?=\/)/, '');
  if (method === 'GET' && path === '') return rootDocument(call);
  if (method === 'GET' && path === '/v1') return versionDocument(call);
  if (method === 'GET' && path === '/status')
    return { started_at: settings.startedAtSeconds, version: agentVersion };
  if (path === '/commands') {
    checkToken(call);
    if (method === 'GET') return { commands: settings.runner.list() };
    if (method === 'POST') return runCommand(call);
  }
  const id = /^\/commands\/([^/]+)$/.exec(path)?.[1];
  if (method === 'GET' && id !== undefined) {
    checkToken(call);
    return wantsToWait(url) ? settings.runner.ended(id, call.signal) : settings.runner.find(id);
  }
  throw new NoSuchPath(method, url.pathname);
}

async function runCommand({ url, request, settings: { runner }, signal }: Call): Promise<unknown> {
  const command = await runner.execute(parseCommand(await readBody(request)));
  return wantsToWait(url) ? runner.ended(command.id, signal) : command;
}

function parseCommand(body: string): AgentCommandRequest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new InvalidContent('The body is not JSON'); // the parser's message quotes the body, secrets and all
  }
  if (typeof parsed !== 'object' || parsed === null || !('name' in parsed) || !('params' in parsed))
    throw new InvalidContent('Missing or invalid name or params');
  const { name, params } = parsed;
  if (typeof name !== 'string' || !isJsonObject(params))
    throw new InvalidContent('Missing or invalid name or params');
  return { name, params: { ...params } };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maximumBody) throw new BodyTooLarge(maximumBody);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Before the body is read: nobody without the token has this agent hold their bytes. */
function checkToken({ url, settings }: Call) {
  const known = Buffer.from(settings.token() ?? '');
  const given = Buffer.from(url.searchParams.get('agent_token') ?? '');
  if (known.length === 0 || known.length !== given.length || !timingSafeEqual(known, given))
    throw new WrongToken();
}

function wantsToWait(url: URL): boolean {
  return url.searchParams.get('wait')?.toLowerCase() === 'true';
}

function rootDocument(call: Call) {
  const version = { id: 'v1', links: [link(call, 'self', '/v1/')] };
  return {
    name: 'OpenStack Ironic Python Agent API',
    description: 'The agent of Ingot, which runs in memory on the machine being provisioned',
    versions: [version],
    default_version: version,
  };
}

function versionDocument(call: Call) {
  const links = (path: string) => [link(call, 'self', `/v1/${path}/`), link(call, 'bookmark', `/${path}/`)];
  return {
    id: 'v1',
    links: [link(call, 'self', '/v1/')],
    commands: links('commands'),
    status: links('status'),
    media_types: [
      { base: 'application/json', type: 'application/vnd.openstack.ironic-python-agent.v1+json' },
    ],
  };
}

function link({ request }: Call, rel: string, path: string) {
  return { rel, href: `http://${request.headers.host ?? 'localhost'}${path}` };
}

function send(response: ServerResponse, status: number, body: unknown) {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}
