// Which kind of failure the text of an error tells of. Texts are all that is kept of a failure; each row names the
// words that our own faults, the agents and the BMC clients use.
import type { FaultClass } from '#protocol/operation.ts';

/** What an operator has to look at first after a failure. */
export type FailureKind = keyof typeof failures;

interface FailureRow {
  readonly words: RegExp;
  /** What it means, after "It failed because". */
  readonly says: string;
  readonly lookAt: string;
}

/** The first row whose words stand in the text. */
export const failures = {
  aborted: {
    words: /^By request|^Aborted on request/,
    says: 'somebody asked for it to be aborted',
    lookAt: 'Nothing is broken: begin again when you like.',
  },
  replaced: {
    words: /^Replaced by/,
    says: 'something else was asked for meanwhile',
    lookAt: 'Nothing is broken.',
  },
  agent_never_came: {
    words: /nothing was heard of the agent/,
    says: 'nothing was heard of the agent in time',
    lookAt: "Look at the machine's console: did it boot the ramdisk, and can it reach the API?",
  },
  step_timed_out: {
    words: /^Timeout: the step/,
    says: 'a step did not end in time',
    lookAt: 'See what the step works on; the time limit is an option of [conductor].',
  },
  bmc_refused_credentials: {
    words: /refused the user name or password/,
    says: 'its BMC refused the user name or password',
    lookAt: 'Correct the user and password in driver_info.',
  },
  bmc_forbids: {
    words: /BMC at \S+ (does not allow its user|answered .* with 403)/,
    says: "the BMC's user may not do what was asked",
    lookAt: 'Give the user of driver_info the administrator role on the BMC.',
  },
  bmc_timeout: {
    words: /BMC at \S+ did not answer/,
    says: 'its BMC took a connection and did not answer in time',
    lookAt: 'Restart the BMC if it stays so.',
  },
  bmc_busy: {
    words: /BMC at \S+ is busy/,
    says: 'too many requests waited for its BMC',
    lookAt: 'See what else asks this BMC; [ingot]bmc_queue_limit bounds the line.',
  },
  bmc_unreachable: {
    words: /Cannot reach the BMC|BMC at \S+ is not being asked|Redfish connection failed/,
    says: 'its BMC could not be reached',
    lookAt: 'Look at the management network and whether the BMC is up; the address is in driver_info.',
  },
  bmc_nonsense: {
    words: /BMC at \S+ answered .* something that is not JSON/,
    says: 'what answers in place of its BMC does not speak Redfish',
    lookAt: 'See whether redfish_address in driver_info is that of a BMC, and restart the BMC if it is.',
  },
  bmc_refused: {
    words: /Redfish exception occurred|The BMC at/,
    says: 'its BMC refused what was asked of it',
    lookAt: "The error holds the BMC's own words; a firmware update of the BMC may be due.",
  },
  power_stuck: {
    words: /power state|did not (turn|go|reach)/i,
    says: 'the machine did not reach the power state it was told to',
    lookAt: 'Look at the machine: its BMC took the order, and nothing came of it.',
  },
  machine_turned_off: {
    words: /machine (turned off|was found off)/,
    says: 'the machine turned off in the middle',
    lookAt: 'Look for power cuts, and for others who use its BMC.',
  },
  agent_lost: {
    words:
      /agent .*(stopped answering|started anew|cannot be called|cannot be reached)|Connection to agent failed/i,
    says: 'the agent went away in the middle of its work',
    lookAt: "Look at the machine's console, and at the network between conductor and agent.",
  },
  boot_file_missing: {
    words: /boot file|deploy_kernel|deploy_ramdisk/,
    says: 'kernel or ramdisk of the agent cannot be had',
    lookAt: 'See deploy_kernel and deploy_ramdisk in driver_info or [conductor].',
  },
  checksum_unreachable: {
    words: /checksum of .* cannot be used/,
    says: 'the file of checksums could not be had, or does not name the image',
    lookAt: 'Open the URL in image_checksum or image_os_hash_value from the network of the machine.',
  },
  image_checksum: {
    words: /checksum|failed its \w+ check/i,
    says: 'the image is not the one that its checksum tells of',
    lookAt: 'Correct image_checksum or image_os_hash_value, or the file on the server.',
  },
  image_unreachable: {
    words: /image.*(download|fetch|HTTP|server|cannot be (had|reached))|answered with status \d+/i,
    says: 'the image could not be fetched',
    lookAt: 'Open image_source from the network of the machine; look at the server of images.',
  },
  no_root_device: {
    words: /root device|no (suitable )?(disk|device)|hint/i,
    says: 'no disk is what the root device hints name',
    lookAt: "Compare properties.root_device with the node's inventory.",
  },
  disk_too_small: {
    words: /too small|does not fit|no space/i,
    says: 'the image does not fit on the disk',
    lookAt: 'Choose a smaller image or a larger disk.',
  },
  must_not_repeat: {
    words: /must not be done twice/,
    says: 'a step was interrupted that must not be done twice',
    lookAt: 'See on the machine how far it came, then try again.',
  },
  agent_failed: {
    words: /The agent failed at/,
    says: 'the agent failed at what it was told to do',
    lookAt: "The error holds the agent's own words.",
  },
  other: {
    words: /(?:)/,
    says: 'of what its last_error tells',
    lookAt: 'The log of the conductor tells more, by the id of the operation.',
  },
} as const satisfies Record<string, FailureRow>;

// The keys of the table are its kinds; the last row takes every text.
const kinds = Object.keys(failures) as FailureKind[];

/** By its words; where they are unknown, by the class under which retry policies know it. */
export function failureKindOf(error: string, fault: FaultClass | null = null): FailureKind {
  const kind = kinds.find((each) => failures[each].words.test(error)) ?? 'other';
  return kind === 'other' && fault !== null ? kindOfClass[fault] : kind;
}

const kindOfClass: Record<FaultClass, FailureKind> = {
  'bmc-unreachable': 'bmc_unreachable',
  'bmc-error': 'bmc_refused',
  'bmc-refused': 'bmc_refused_credentials',
  'agent-unreachable': 'agent_lost',
  'agent-timeout': 'agent_lost',
  'agent-error': 'agent_failed',
  'image-fetch': 'image_unreachable',
  'image-checksum': 'image_checksum',
  'boot-timeout': 'agent_never_came',
  'step-timeout': 'step_timed_out',
};
