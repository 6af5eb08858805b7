// An agent's command API over real HTTP, whose commands do what a test says.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AgentCommand } from '#protocol/agent-commands.ts';

export class ScriptedAgent implements AsyncDisposable {
  readonly token = 'a-token-of-at-least-thirty-two-characters';
  commands: AgentCommand[] = [];
  /** `name` and `params` of every command that was accepted, over all boots. */
  readonly accepted: { name: string; params: Record<string, unknown> }[] = [];
  readonly requests: string[] = [];
  /** What a new command becomes; by default it runs until the test ends it. */
  respond: (name: string) => Partial<AgentCommand> = () => ({});
  /** Answers every request itself when it gives true. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  #server: Server | null = null;
  #startedAt = 1;
  #port = 0;
  #count = 0;

  static async start(): Promise<ScriptedAgent> {
    const agent = new ScriptedAgent();
    await agent.listen();
    return agent;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens, on the same port as before if there was one. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(this.#port, '127.0.0.1', resolve);
    await promise;
    this.#port = (server.address() as AddressInfo).port; // listening on TCP
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeAllConnections();
    await promise;
  }

  /** Another boot: nothing is known of earlier commands. */
  restart(): void {
    this.#startedAt += 1;
    this.commands = [];
  }

  /** Ends the last command. */
  end(how: Partial<AgentCommand>): void {
    const last = this.commands.at(-1);
    if (last) Object.assign(last, how);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer); // no encoding is set
    this.requests.push(`${request.method} ${url.pathname}`);
    if (this.intercept(request, response)) return;
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (url.pathname === '/v1/status') return send(200, { started_at: this.#startedAt, version: '11.5.0' });
    if (url.searchParams.get('agent_token') !== this.token) {
      return send(401, { faultcode: 'Client', faultstring: 'Agent token mismatch' });
    }
    if (request.method === 'GET') return send(200, { commands: this.commands });
    if (this.commands.some(({ command_status }) => command_status === 'RUNNING')) {
      return send(409, { faultcode: 'Client', faultstring: 'Agent is busy' });
    }
    const { name, params } = JSON.parse(Buffer.concat(chunks).toString()) as (typeof this.accepted)[number];
    this.accepted.push({ name, params });
    this.#count += 1;
    const command: AgentCommand = {
      id: `command-${this.#count}`,
      command_name: name.slice(name.indexOf('.') + 1),
      command_status: 'RUNNING',
      command_error: null,
      command_result: null,
      command_progress: null,
      command_step: null,
      ...this.respond(name),
    };
    this.commands.push(command);
    send(200, command);
  }
}
