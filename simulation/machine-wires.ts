// The way from a conductor to BMCs and agents: everything on it is judged when it is sent, and may fail, be slow, or
// come late.
import type { AgentExchange } from '#drivers/agent-exchange.ts';
import type { Judge } from './judge.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { Party } from './party.ts';
import type { SeededRandom } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { AskBmc, BmcRequest } from './simulated-drivers.ts';

export interface MachineWires {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: SeededRandom;
  readonly judge: Judge;
  trace(who: string, what: string): void;
  machineOf(name: string): Machine | undefined;
  nodeOf(machine: Machine): string | undefined;
  answersGetLost(): boolean;
}

const patienceMilliseconds = 20_000;

/** No answer came, or none that could be understood. */
class BmcFault extends Error {
  override readonly name = 'BmcFault';
}

/** An error of the network, with the system's word for it. */
class NetworkError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`the network says ${code}`);
    this.code = code;
  }
}

export function wiresToBmcs(wires: MachineWires, party: Party): AskBmc {
  return async <T>(task: Parameters<AskBmc>[0], request: BmcRequest<T>): Promise<T> => {
    task.signal.throwIfAborted();
    const machine = wires.machineOf(String(task.node.driver_info['machine']));
    if (!machine) throw new BmcFault('The node names no machine');
    const { what, changes } = request;
    if (changes) wires.judge.acts(party.name, task, what, changes === 'off');
    return await party.through(async () => await bmcAnswers(wires, party, machine, request));
  };
}

async function bmcAnswers<T>(
  wires: MachineWires,
  party: Party,
  machine: Machine,
  request: BmcRequest<T>,
): Promise<T> {
  const { network, scheduler, random } = wires;
  const run = (): T => {
    if (request.changes) wires.trace(machine.name, `${party.name} ${request.what}`);
    if (request.once) wires.judge.ranOnce(machine.name, request.once.operation, request.once.step);
    return request.run(machine);
  };
  await network.travel();
  if (network.isCut(party.name, machine.name)) {
    await scheduler.pause(patienceMilliseconds);
    throw new BmcFault('The BMC cannot be reached');
  }
  switch (machine.trouble) {
    case 'silent':
      await scheduler.pause(patienceMilliseconds);
      throw new BmcFault('The BMC does not answer');
    case 'garbage':
      throw new BmcFault('The BMC answers what cannot be understood');
    case 'slow':
      await scheduler.pause(random.between(2000, 30_000));
      break;
    case 'none':
    case 'says on':
    case 'does nothing':
      await scheduler.pause(random.between(5, 200));
  }
  const answer = run();
  const isLost = wires.answersGetLost() && random.chance(0.005);
  if (isLost || network.isCut(party.name, machine.name)) {
    await scheduler.pause(patienceMilliseconds);
    throw new BmcFault('The BMC did not answer');
  }
  await network.travel();
  return answer;
}

export function exchangeWithAgents(wires: MachineWires, party: Party): AgentExchange {
  const { network, scheduler, random, judge } = wires;
  return async (request) => {
    request.signal.throwIfAborted();
    const machine = wires.machineOf(new URL(request.origin).hostname);
    if (!machine) throw new NetworkError('ENOTFOUND');
    const command = commandIn(request.body);
    if (command !== null)
      judge.holds(party.name, wires.nodeOf(machine) ?? '', `tells its agent to ${command}`);
    return await party.through(async () => {
      await network.travel();
      if (network.isCut(party.name, machine.name)) {
        await scheduler.pause(request.timeoutMilliseconds);
        throw new NetworkError('UND_ERR_CONNECT_TIMEOUT');
      }
      if (!machine.agent) {
        await scheduler.pause(1000);
        throw new NetworkError(machine.power === 'on' ? 'ECONNREFUSED' : 'EHOSTUNREACH');
      }
      const answer = machine.agent.answer(request);
      if (command !== null)
        wires.trace(machine.name, `${party.name} tells the agent to ${command}: ${answer.status}`);
      if (wires.answersGetLost() && random.chance(0.01)) {
        await scheduler.pause(request.timeoutMilliseconds);
        throw new NetworkError('UND_ERR_HEADERS_TIMEOUT');
      }
      await network.travel();
      return answer;
    });
  };
}

/** The name of the command, where it does something. */
function commandIn(body: string | undefined): string | null {
  const name = body === undefined ? null : (JSON.parse(body) as { name: string }).name; // our own client's
  return name === null || /\.get_/.test(name) ? null : name;
}
