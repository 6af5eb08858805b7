import type { StepDefinition } from '../steps.ts';
import type { Task } from '../task.ts';

/** What every interface of every type has. */
export interface InterfaceContract {
  /** `driver_info` and `properties` members it reads, each with its meaning. */
  readonly properties: Readonly<Record<string, string>>;
  /**
   * Ensures that the node carries what this interface needs; throws InvalidParameterValue or
   * MissingParameterValue naming the member. Does not touch the machine. May be repeated.
   */
  validate(task: Task): Promise<void>;
  /** What operations may have it do to the machine. */
  readonly steps?: readonly StepDefinition[];
}
