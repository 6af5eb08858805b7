// What is looked at before a deployment, without changing anything.
import type { AskedStep, OperationStep } from './operation.ts';

export type PreflightResult = 'ok' | 'failed' | 'not applicable' | 'unknown';

export interface PreflightFinding {
  /** What was looked at. */
  name: string;
  result: PreflightResult;
  /** What was found, in plain words. Without secrets. */
  reason: string;
}

export interface PreflightCheck extends PreflightFinding {
  seconds: number;
}

/** What to try instead of what is stored on the node. */
export interface PreflightTrial {
  instanceInfo: Record<string, unknown> | null;
  deploySteps: AskedStep[] | null;
}

export interface PreflightReport {
  checks: PreflightCheck[];
  /** The steps as they would run now; what an agent adds is known once it runs. */
  plans: { deploy: PlannedStep[]; clean: PlannedStep[] };
}

export type PlannedStep = Pick<OperationStep, 'interface' | 'step' | 'priority' | 'origin'>;
