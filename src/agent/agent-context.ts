// What the commands of an agent work with: built once by run-agent, handed to each of them.
import type { Clock } from '#model/clock.ts';
import type { AgentNode, CommandProgress } from '#protocol/agent-commands.ts';
import type { Hardware } from './hardware.ts';
import type { Log } from './log.ts';
import type { AgentParameters } from './parameters.ts';

/**
 * How an agent's life ends: by what a command asked for, or because its process was told to stop. After `rescue` the
 * machine goes on as somebody's to work on.
 */
export type AgentEnd = 'reboot' | 'powerOff' | 'lockdown' | 'rescue' | 'stopped';

export interface AgentContext {
  readonly hardware: Hardware;
  readonly parameters: AgentParameters;
  readonly log: Log;
  readonly clock: Clock;
  /** 0 to 1, as Math.random. */
  readonly random: () => number;
  /** Aborted when the agent is to end. */
  readonly signal: AbortSignal;
  readonly knowledge: Knowledge;
  /** Ends the agent once the command at hand has been answered. */
  readonly finish: (end: AgentEnd) => void;
}

/** What the agent has been told and what it remembers of its work. */
export interface Knowledge {
  /** From the lookup, and newer with each step's command. */
  node: AgentNode | null;
  allowMd5: boolean;
  /** Of the last image written: what standby.get_partition_uuids answers. */
  partitionUuids: Record<string, string>;
}

/** One run of a command: where it tells how far it is. */
export interface CommandRun {
  readonly report: (progress: CommandProgress) => void;
}
